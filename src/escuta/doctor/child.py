"""A fresh process that tries one thing. However it ends, that is a result."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from escuta.messages import _

Status = Literal["passed", "failed", "skipped", "died", "hung"]

TIMEOUT_SECONDS = 600.0
"""Of one try. A first start of CUDA takes seconds, a release-size sample on a slow CPU minutes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended."""

    status: Status
    message: str = ""
    """Why, where it did not pass."""
    found: dict[str, Any] = field(default_factory=dict)
    """What it measured."""


def run_child(arguments: Sequence[str], timeout_seconds: float = TIMEOUT_SECONDS) -> Outcome:
    """Run Python with `arguments`; what it says last is a JSON object with its `status`, `message` and findings."""
    process = subprocess.Popen(
        [sys.executable, "-P", *arguments],  # -P: modules beside a script hide none of the library
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        process_group=0,  # ends with all that it started
    )
    try:
        said, complaint = process.communicate(timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        return Outcome("hung", _("no answer within {seconds:.0f} s").format(seconds=timeout_seconds))
    finally:
        if process.poll() is None:
            _end(process)
    return _result(said) if process.returncode == 0 else Outcome("died", _cause(process.returncode, complaint))


def _end(process: "subprocess.Popen[str]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):  # a process that a driver holds on to cannot even be killed
        process.communicate(timeout=5)


def _result(said: str) -> Outcome:
    lines = said.strip().splitlines()
    try:
        found = json.loads(lines[-1])
        return Outcome(found.pop("status"), found.pop("message"), found)
    except (IndexError, ValueError, AttributeError, KeyError, TypeError):
        return Outcome("died", _("it ended without a result"))


def _cause(status: int, complaint: str) -> str:
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
        return _("ended by signal {name}").format(name=name)
    lines = complaint.strip().splitlines()
    return lines[-1] if lines else _("exit status {status}").format(status=status)

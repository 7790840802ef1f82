"""The command line in processes of its own, as a user runs it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
"""One thread, so that results can be compared to the bit."""


def escuta(*arguments: str | Path, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run `escuta` to its end; `prefix` is a command that runs it."""
    command = [*prefix, sys.executable, "-m", "escuta", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **ENVIRONMENT}
    )


def start_escuta(*arguments: str | Path) -> "subprocess.Popen[str]":
    """Start `escuta` in a process group of its own, as a shell does; what it says can be read."""
    return subprocess.Popen(
        [sys.executable, "-m", "escuta", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **ENVIRONMENT},
        process_group=0,
    )


def children(pid: int, module: str) -> list[int]:
    """Processes that process `pid` has started with `python -m module`, and that still run."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    started = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return [child for child in started if not gone(child) and runs(child, module)]


def runs(pid: int, module: str) -> bool:
    """Whether process `pid` is `python -m module`."""
    return module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def gone(pid: int) -> bool:
    """Whether process `pid` has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True

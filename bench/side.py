"""One of the two that are compared, in a process of its own: escuta's half or coqui-tts's."""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from typing import Any, TypeAlias

from bench.export_parity import ROOT

Answer: TypeAlias = dict[str, Any]
"""How it went: `seconds`, `codes` of each sentence, `peak_bytes`, and what one side alone tells."""


class Side:
    """A process that loads a model once, then speaks what it is asked for.

    Args:
        command: Reads a line of JSON a request on standard input, and answers with one on standard output.
        threads: CPU threads it may use.
    """

    def __init__(self, command: Sequence[str], threads: int) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=_environment(threads),
        )

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def speak(self, texts: Sequence[str], codes: int) -> Answer:
        """Speak all of `texts`, `codes` each.

        Raises:
            RuntimeError: It ended, or spoke something else.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(_request(texts, codes))
        self._process.stdin.flush()
        return _read(self._process.stdout.readline(), texts, codes)


def speak_cold(command: Sequence[str], threads: int, texts: Sequence[str], codes: int) -> Answer:
    """Speak in a process started for that alone; `seconds` are those from its start to its end.

    Raises:
        RuntimeError: It spoke something else.
        subprocess.CalledProcessError: It failed.
    """
    started = time.perf_counter()
    done = subprocess.run(
        command,
        input=_request(texts, codes),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=_environment(threads),
        check=True,
    )
    seconds = time.perf_counter() - started
    return {**_read(done.stdout, texts, codes), "seconds": seconds}


def _environment(threads: int) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": str(threads)}


def _request(texts: Sequence[str], codes: int) -> str:
    return json.dumps({"texts": list(texts), "codes": codes}) + "\n"


def _read(line: str, texts: Sequence[str], codes: int) -> Answer:
    if not line:
        raise RuntimeError("a side ended before it had spoken; its last words are above")
    answer: Answer = json.loads(line)
    if answer["codes"] != [codes] * len(texts):
        raise RuntimeError(f"asked for {len(texts)} x {codes} codes, a side spoke {answer['codes']}")
    return answer

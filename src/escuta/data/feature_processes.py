"""Several processes compute features at once; one that dies leaves its clip to the others."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, suppress
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path

from escuta.data.feature_worker import REFUSED, FeatureJob
from escuta.errors import DataError
from escuta.messages import _

MAX_DEATHS = 3
"""Processes that one clip may cost: what kills so many is the clip, or a machine too small for one process."""

LISTEN_SECONDS = 0.2
"""How long at most nobody looks whether somebody pressed Ctrl-C."""

LAST_WORDS_SECONDS = 5.0
"""For a process that is going to say why it ends."""


class FeatureProcess:
    """Start a process that computes features with the model in `base`.

    Raises:
        OSError: No process can be started.
    """

    def __init__(self, base: Path) -> None:
        with ExitStack() as opened:
            self.connection, theirs = Pipe()
            """Ready to be read when there is an answer, or the process is gone."""
            opened.enter_context(self.connection)
            self._last_words = opened.enter_context(tempfile.TemporaryFile())
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "escuta.data.feature_worker", str(base), str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=self._last_words,
                    stderr=self._last_words,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                    pass_fds=[theirs.fileno()],
                    process_group=0,  # Ctrl-C in the terminal is for the training process alone
                )
            self._opened = opened.pop_all()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def ask(self, job: FeatureJob) -> None:
        """Hand over a clip; if the process is gone, its answer says so."""
        with suppress(ConnectionError):
            self.connection.send_bytes(job.encoded())

    def answer(self) -> bytes | None:
        """Take the features of the clip it was asked for; None when the process died.

        Raises:
            DataError: The clip, or the model, cannot be used any more.
        """
        try:
            answer = self.connection.recv_bytes()
        except (EOFError, OSError):
            return None
        if answer.startswith(REFUSED):
            raise DataError(*json.loads(answer[1:]))
        return answer[1:]

    def end(self, *, wait_seconds: float = 0.0) -> str:
        """Kill the process if it still runs after a while; return why it ended, in its own last words."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(wait_seconds)
        self._process.kill()
        status = self._process.wait()
        with self._opened:
            self._last_words.seek(0)
            lines = self._last_words.read().decode(errors="replace").split("\n")
        if status < 0:
            return _("signal {number}").format(number=-status)
        return next((line for line in reversed(lines) if line.strip()), _("exit status {n}").format(n=status))


def compute_elsewhere(
    jobs: Mapping[str, FeatureJob],
    base: Path,
    *,
    num_processes: int,
    tell: Callable[[str], None],
    stopped: Callable[[], bool],
) -> Generator[tuple[str, bytes]]:
    """Yield key and features of each clip, as they come.

    Args:
        jobs: The clips, by key.
        base: Folder of the model.
        num_processes: How many compute at once; one that dies is replaced only when it was the last.
        tell: Called with a line for each death.
        stopped: Whether somebody wants the rest no more.

    Raises:
        DataError: A clip cannot be read any more, or cost too many processes.
        OSError: No process can be started.
    """
    waiting, deaths = list(reversed(list(jobs))), Counter[str]()
    idle: list[FeatureProcess] = []
    at_work: dict[FeatureProcess, str] = {}
    try:
        for _number in range(min(num_processes, len(jobs))):
            idle.append(FeatureProcess(base))
        while (waiting or at_work) and not stopped():
            if not (idle or at_work):
                idle.append(FeatureProcess(base))
            while waiting and idle:
                process, key = idle.pop(), waiting.pop()
                at_work[process] = key
                process.ask(jobs[key])
            ready = wait([process.connection for process in at_work], timeout=LISTEN_SECONDS)
            for process in [process for process in at_work if process.connection in ready]:
                content = process.answer()
                key = at_work.pop(process)
                if content is not None:
                    idle.append(process)
                    yield key, content
                else:
                    deaths[key] += 1
                    waiting.insert(0, key)
                    _tell_death(jobs[key], process.end(wait_seconds=LAST_WORDS_SECONDS), deaths[key], tell)
    finally:
        for process in (*idle, *at_work):
            process.end()


def _tell_death(job: FeatureJob, reason: str, num_deaths: int, tell: Callable[[str], None]) -> None:
    """Tell of a death, or refuse a clip that costs too many.

    Raises:
        DataError: It does.
    """
    if num_deaths == MAX_DEATHS:
        raise DataError(
            _(
                "{path}: {n} processes died while they computed its features, the last of: {reason}; expected "
                "features. Free some memory, or leave the clip out."
            ).format(path=job.audio, n=num_deaths, reason=reason)
        )
    tell(
        _("⚠️  Features: a process died ({reason}); {clip} is computed again by another.").format(
            reason=reason, clip=job.audio.name
        )
    )

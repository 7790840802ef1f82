"""One speaking process, as the training process sees it: started, fed, listened to, ended."""

import json
import os
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from escuta.sampling.job import SampleJob, encode_line
from escuta.sampling.worker import command

LAST_WORDS_LINES = 30
"""Lines of standard error kept to say why a process died."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a speaking process is started with."""

    base: Path
    """Folder of the base model."""
    device: str
    """Where it computes."""
    threads: int
    """CPU threads it may use."""
    timeout_seconds: float
    """Silence after which it is taken for hung."""


class SpeakingProcess:
    """Start a process that speaks; its messages arrive in the background and never block the caller.

    Args:
        workplace: What it is started with.
        mode: How the samples name their speaker.
        nice: Added to the niceness of training: 0 is as important, 19 the least.

    Raises:
        OSError: No process can be started: no memory or no handles are left.
    """

    def __init__(self, workplace: Workplace, *, mode: str, nice: int) -> None:
        self._process = subprocess.Popen(
            command(workplace.base, device=workplace.device, threads=workplace.threads, mode=mode),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": str(workplace.threads)},
            # Ctrl-C in the terminal is for the training process alone. Not a session of its own: Linux would then
            # weigh it against training as a group, whatever its niceness (sched_autogroup).
            process_group=0,
        )
        os.setpriority(os.PRIO_PROCESS, self._process.pid, os.getpriority(os.PRIO_PROCESS, 0) + nice)
        self._messages: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._last_words: list[str] = []
        self.heard_at = time.monotonic()
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._read_messages, self._read_last_words)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process runs and all it said was not yet read."""
        return self._process.poll() is None or self._threads[0].is_alive()

    def silent_seconds(self) -> float:
        """Since the last message or job."""
        return time.monotonic() - self.heard_at

    def send(self, job: SampleJob) -> None:
        """Hand over a job; if the process is gone, its end says so."""
        self._write(job.to_json())
        self.heard_at = time.monotonic()

    def finish(self) -> None:
        """Let the process end by itself after the jobs it has."""
        self._write({"finish": True})

    def messages(self, wait_seconds: float = 0.0) -> list[dict[str, Any]]:
        """Take what has arrived; wait up to `wait_seconds` for the first."""
        taken = []
        try:
            taken.append(self._messages.get(timeout=wait_seconds) if wait_seconds else self._messages.get_nowait())
            while True:
                taken.append(self._messages.get_nowait())
        except Empty:
            return taken

    def end(self) -> str:
        """Kill the process if it still runs; return why it ended, in its own last words."""
        self._process.kill()
        status = self._process.wait()
        for thread in self._threads:
            thread.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                with suppress(BrokenPipeError):  # a job that nobody reads any more
                    stream.close()
        return self._last_words[-1] if self._last_words and status > 0 else _status(status)

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        with suppress(BrokenPipeError):  # the process is gone; alive() tells
            self._process.stdin.write(encode_line(message))
            self._process.stdin.flush()

    def _read_messages(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.heard_at = time.monotonic()
            with suppress(ValueError):  # a line torn by a kill
                self._messages.put(json.loads(line))

    def _read_last_words(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            if text := line.decode(errors="replace").strip():
                self._last_words = [*self._last_words[-LAST_WORDS_LINES + 1 :], text]


def _status(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"

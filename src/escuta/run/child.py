"""A child process that takes messages and gives messages, seen from both sides of its pipes."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO

LAST_WORDS_LINES = 30
"""Lines of standard error kept to say why a process died."""


def encode_line(message: Mapping[str, Any]) -> bytes:
    """One message of the pipe between two processes."""
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"


def claim_standard_output() -> BinaryIO:
    """In the child: keep standard output for messages alone; whatever a library prints goes to standard error."""
    messages = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return messages


def parent_messages() -> "SimpleQueue[dict[str, Any] | None]":
    """In the child: what the parent tells, None once it wants an end; if the parent dies, this process ends at once."""
    told: SimpleQueue[dict[str, Any] | None] = SimpleQueue()

    def read() -> None:
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if message.get("finish"):
                told.put(None)
                return
            told.put(message)
        os._exit(0)  # nobody is left who would need what is being made

    threading.Thread(target=read, daemon=True).start()
    return told


class Child:
    """Start a process; its messages, a JSON line each, arrive in the background and never block the caller.

    It finds its messages on standard input, and is to end when that ends.

    Args:
        command: What to start.
        nice: Added to the niceness of this process: 0 is as important, 19 the least.
        threads: CPU threads it may use.
        inherited: File descriptors that it has too, under the same numbers.

    Raises:
        OSError: No process can be started: no memory or no handles are left.
    """

    def __init__(self, command: Sequence[str], *, nice: int, threads: int, inherited: Collection[int] = ()) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            pass_fds=tuple(inherited),
            # Ctrl-C in the terminal is for the parent alone. Not a session of its own: Linux would then weigh it
            # against training as a group, whatever its niceness (sched_autogroup).
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
        """Whether the process runs, or not all it said has been read."""
        return self._process.poll() is None or self._threads[0].is_alive()

    def silent_seconds(self) -> float:
        """Since the last message either way."""
        return time.monotonic() - self.heard_at

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a message; if the process is gone, its end says so."""
        assert self._process.stdin
        with suppress(BrokenPipeError):  # the process is gone; alive() tells
            self._process.stdin.write(encode_line(message))
            self._process.stdin.flush()
        self.heard_at = time.monotonic()

    def finish(self) -> None:
        """Let the process end by itself after all it was told."""
        self.tell({"finish": True})

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
                with suppress(BrokenPipeError):  # a message that nobody reads any more
                    stream.close()
        return self._last_words[-1] if self._last_words and status > 0 else _status(status)

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

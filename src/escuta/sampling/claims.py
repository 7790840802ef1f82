"""Several processes, of one machine or many, share a folder of samples without a word between them.

Whoever locks `.epoch_3.claim` first makes epoch_3. A lock ends with its process, however that ends, so what a killed
one had begun is free again. What became of a sample is noted in the file, and holds for those who began before.
"""

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Claim:
    """The right to make one sample, for as long as it is held."""

    def __init__(self, handle: int, began: float) -> None:
        self._handle = handle
        self._began = began

    @property
    def outcome(self) -> str:
        """What another process has noted since this one began; empty when nothing."""
        if os.fstat(self._handle).st_mtime < self._began:
            return ""
        return os.pread(self._handle, 100, 0).decode(errors="replace")

    def note(self, outcome: str) -> None:
        """Tell the others what became of it."""
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, outcome.encode(), 0)
        os.fsync(self._handle)


class Claims:
    """What this process and others are making in one folder.

    Args:
        folder: Of the samples; made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._began = time.time()

    @contextmanager
    def take(self, name: str, *, wait: bool) -> Iterator[Claim | None]:
        """Claim the sample `name`; None when another process makes it, unless `wait` waits for that one."""
        handle = os.open(self._path(name), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield None
            else:
                yield Claim(handle, self._began)
        finally:
            os.close(handle)

    def tidy(self, names: Iterable[str]) -> None:
        """Forget samples of which it is settled what became of them."""
        for name in names:
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f".{name}.claim"

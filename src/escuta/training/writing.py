"""Has checkpoints written by a process of its own: training waits for a copy in memory, not for the disk."""

import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from escuta.run.checkpoints import Checkpoint, state_table, write_tables
from escuta.run.child import Child
from escuta.run.publish import publish_copy, remove_partials
from escuta.run.staging import Staged, Staging
from escuta.run.writer import COMMAND, write_staged

NICENESS = 5
"""Of the process that writes, above that of training."""

TIMEOUT_SECONDS = 600.0
"""A process that writes one checkpoint for longer is taken for hung."""

SLACK = 1.02
"""What names and the ends of tensors take, a generous guess: memory that is too little is only taken again later."""


@dataclass(frozen=True, slots=True)
class Copied:
    """How one checkpoint was put out of the way of training."""

    weights: Staged | None
    """Where other processes find the weights; None where there is no memory for that."""
    weights_seconds: float
    """Copying the weights, all that a sample needs."""


@dataclass(slots=True)
class _Job:
    """A checkpoint on its way to the disk, either staged or, without memory for that, as it is."""

    path: Path
    best: Path | None
    staged: tuple[Staged, Staged] | None = None
    """Weights and state."""
    unstaged: Checkpoint | None = None
    outcome: float | OSError | None = None
    """How many seconds writing took, or why it failed; None while it is being written."""
    told: bool = False
    """To the process that writes."""


class CheckpointWriter:
    """Writes one checkpoint at a time: in a process of its own, or here where that process or memory is lacking.

    Args:
        weight_bytes: Of all weights.
        state_bytes: Of what a training continues from besides them.
        free_bytes: Memory that training leaves free; where it is too little, nothing is put out of the way.
        pinned: See `Staging`.
    """

    def __init__(self, weight_bytes: int, state_bytes: int, free_bytes: int, *, pinned: bool = False) -> None:
        self._child: Child | None = None
        self._job: _Job | None = None
        self._refused: _Job | None = None
        self._weights, self._state = Staging(pinned=pinned), Staging(pinned=pinned)
        weights, state = int(weight_bytes * SLACK), int(state_bytes * SLACK)
        self._staging = weights + state < free_bytes
        if self._staging:
            try:
                self._weights.reserve(weights)
                self._state.reserve(state)
            except OSError:
                self._staging = False
        self._start()

    @property
    def inherited(self) -> tuple[int, ...]:
        """File descriptors of what `Copied.weights` says; a process needs them to read it."""
        return (self._weights.fd,)

    def begin(self, path: Path, checkpoint: Checkpoint, best: Path | None) -> Copied:
        """Put `checkpoint` out of the way, to be written under `path` and `best`. The one before must be finished.

        Without memory for that it is written here and now; `finished` tells how that went.
        """
        self._refused = None
        started = time.perf_counter()
        if self._staging:
            try:
                weights = self._weights.put(dict(checkpoint.model))
                weights_seconds = time.perf_counter() - started
                self._job = _Job(path, best, staged=(weights, self._state.put(state_table(checkpoint))))
            except OSError:  # no more memory
                self._staging = False
            else:
                return Copied(weights, weights_seconds)
        self._job = _Job(path, best, unstaged=checkpoint)
        _write_here(self._job)
        return Copied(None, 0.0)

    def again(self) -> None:
        """Write once more what was refused; a checkpoint that was not copied must not have changed since."""
        self._job, self._refused = self._refused, None
        if self._job and self._job.unstaged:
            _write_here(self._job)

    def finished(self, *, wait: bool = False) -> float | None:
        """How many seconds writing took, once after it is done; None before, and when nothing was begun.

        Args:
            wait: Until it is done.

        Raises:
            OSError: The disk is full or the folder cannot be written.
        """
        job = self._job
        if job and job.staged:
            self._follow(job, job.staged, wait=wait)
        if job is None or job.outcome is None:
            return None
        outcome, self._job = job.outcome, None
        if isinstance(outcome, OSError):
            job.outcome, job.told, self._refused = None, False, job
            raise outcome
        return outcome

    def hold_back(self) -> None:
        """Let what is queued on the GPU from now on wait for the copies; the caller does not."""
        self._weights.hold_back()
        self._state.hold_back()

    def settle(self, *, wait: bool = True) -> bool:
        """Whether all is copied, so that what was copied from may go.

        Args:
            wait: Until it is.
        """
        return self._weights.settle(wait=wait) and self._state.settle(wait=wait)

    def close(self) -> None:
        """End the process and give the memory back."""
        if self._child:
            self._child.end()
        self._weights.close()
        self._state.close()

    def _start(self) -> None:
        with suppress(OSError):  # neither memory nor handles for one more process
            self._child = Child(COMMAND, nice=NICENESS, threads=1, inherited=(self._weights.fd, self._state.fd))

    def _follow(self, job: _Job, staged: tuple[Staged, Staged], *, wait: bool) -> None:
        """Look after the process that writes `job`; write it here where that one dies or hangs."""
        if not self.settle(wait=wait):
            return
        if not job.told:
            self._tell(job, staged)
        while child := self._child:
            alive = child.alive()
            for message in child.messages(wait_seconds=0.05 if wait else 0.0):
                job.outcome = OSError(*message["refused"]) if "refused" in message else float(message["seconds"])
                return
            if not alive or child.silent_seconds() > TIMEOUT_SECONDS:
                child.end()
                self._child = None
            elif not wait:
                return
        remove_partials(job.path.parent)  # of the process that died
        _write_here(job)

    def _tell(self, job: _Job, staged: tuple[Staged, Staged]) -> None:
        job.told = True
        if not self._child:
            self._start()
        if self._child:
            weights, state = map(asdict, staged)
            best = str(job.best) if job.best else None
            self._child.tell({"path": str(job.path), "best": best, "weights": weights, "state": state})


def _write_here(job: _Job) -> None:
    started = time.perf_counter()
    try:
        if job.staged:
            write_staged(job.path, job.best, *job.staged)
        elif job.unstaged:
            write_tables(job.path, job.unstaged.model, state_table(job.unstaged))
            if job.best:
                publish_copy(job.path, job.best)
            job.unstaged = None  # it may hold a GPU's memory
    except OSError as error:
        job.outcome = error
    else:
        job.outcome = time.perf_counter() - started

"""Has the checkpoints of a training written, and removes those that nobody needs any more."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from escuta.messages import _
from escuta.run.checkpoints import Checkpoint, Progress, prune_checkpoints
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from escuta.run.staging import Staged
from escuta.terminal import Terminal
from escuta.training.writing import CheckpointWriter


@dataclass(frozen=True, slots=True)
class _Underway:
    """A checkpoint that is not yet on disk."""

    path: Path
    progress: Progress
    best: bool
    stall_seconds: float
    weights_seconds: float


class Keeper:
    """The checkpoints folder of one run.

    Args:
        run: The run.
        writer: Writes them.
        keep_last: Checkpoints kept besides the best.
        needed: Which of the others have to stay for now.
        events: Where each is noted.
        terminal: Where people read.
    """

    def __init__(
        self,
        run: RunFolder,
        writer: CheckpointWriter,
        *,
        keep_last: int,
        needed: Callable[[], Collection[Path]],
        events: EventLog,
        terminal: Terminal,
    ) -> None:
        self._run = run
        self._keep_last = keep_last
        self._needed = needed
        self._writer = writer
        self._events = events
        self._terminal = terminal
        self._underway: _Underway | None = None
        self.stall_seconds = 0.0
        """What checkpoints have kept the training thread from learning, so far."""

    def write(self, path: Path, checkpoint: Checkpoint, *, best: bool = False) -> Staged | None:
        """Have `checkpoint` written under `path`, and as the best when it is; wait for the one before, not for this.

        Returns:
            Where other processes find its weights before it is on disk, and until the next is written.

        Raises:
            OSError: The disk is full or the folder cannot be written; earlier checkpoints are untouched.
        """
        started = time.perf_counter()
        self.tell(wait=True)
        copied = self._writer.begin(path, checkpoint, self._run.best_checkpoint if best else None)
        seconds = time.perf_counter() - started
        self.stall_seconds += seconds
        self._underway = _Underway(path, checkpoint.progress, best, seconds, copied.weights_seconds)
        return copied.weights

    def tell(self, *, wait: bool = False) -> None:
        """Tell of the checkpoint that has come to the disk since the last time, if one has; remove what is too old.

        Args:
            wait: For the one on its way.

        Raises:
            OSError: The disk is full or the folder cannot be written; earlier checkpoints are untouched.
        """
        done, seconds = self._underway, self._writer.finished(wait=wait)
        if done is None or seconds is None:
            return
        self._underway = None
        if done.path != self._run.last_state:
            self._run.last_state.unlink(missing_ok=True)
        self._events.write(
            "checkpoint",
            {
                "file": done.path.name,
                "epoch": done.progress.epoch,
                "step": done.progress.step,
                "best": done.best,
                "stall_seconds": round(done.stall_seconds, 4),
                "weights_seconds": round(done.weights_seconds, 4),
                "write_seconds": round(seconds, 3),
            },
        )
        self._terminal.say(_("💾 Checkpoint saved: {file}").format(file=done.path.name))
        for path in prune_checkpoints(self._run, self._keep_last, self._needed()):
            self._events.write("checkpoint_removed", {"file": path.name})

    def close(self) -> None:
        """Wait for the checkpoint on its way, and end who writes.

        Raises:
            OSError: The disk is full or the folder cannot be written; earlier checkpoints are untouched.
        """
        try:
            self.tell(wait=True)
        finally:
            self._writer.close()

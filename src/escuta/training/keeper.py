"""Has the checkpoints of a training written, and removes those that nobody needs any more."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from escuta.messages import _
from escuta.run.checkpoints import Checkpoint, Progress, prune_checkpoints, sacrifice_checkpoint
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from escuta.run.publish import FULL
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
        keep_last: Checkpoints kept besides the bests.
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
        self.saved_step = 0
        """Of the newest checkpoint on disk."""

    def write(self, path: Path, checkpoint: Checkpoint, *, best: bool = False) -> Staged | None:
        """Have `checkpoint` written under `path`, and as the best when it is; wait for the one before, not for this.

        Returns:
            Where other processes find its weights before it is on disk, and until the next is written.

        Raises:
            OSError: The folder cannot be written; earlier checkpoints are untouched.
        """
        started = time.perf_counter()
        self.tell(wait=True)
        copied = self._writer.begin(path, checkpoint, self._run.best_checkpoint if best else None)
        seconds = time.perf_counter() - started
        self.stall_seconds += seconds
        self._underway = _Underway(path, checkpoint.progress, best, seconds, copied.weights_seconds)
        if copied.weights is None:  # written here: what is to be done about a full disk is done before training goes on
            self.tell(wait=True)
        return copied.weights

    def tell(self, *, wait: bool = False) -> None:
        """Tell of the checkpoint that has come to the disk since the last time, if one has; remove what is too old.

        Args:
            wait: For the one on its way.

        Raises:
            OSError: The folder cannot be written; earlier checkpoints are untouched.
        """
        done, seconds = self._underway, self._finished(wait=wait)
        if done is None or seconds is None:
            return
        self._underway = None
        self.saved_step = done.progress.step
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
        self.tidy()

    def tidy(self) -> None:
        """Remove the checkpoints that nobody needs any more."""
        for path in prune_checkpoints(self._run, self._keep_last, self._needed()):
            self._events.write("checkpoint_removed", {"file": path.name})

    def _finished(self, *, wait: bool) -> float | None:
        """As the writer has it; on a full disk older checkpoints make room for the one on its way, or it is left out.

        Raises:
            OSError: The folder cannot be written.
        """
        while True:
            try:
                return self._writer.finished(wait=wait)
            except OSError as error:
                if error.errno not in FULL or not self._underway:
                    raise
            name = self._underway.path.name
            removed = sacrifice_checkpoint(self._run, self._needed())
            if removed is None:
                self._underway = None
                self._events.write("checkpoint_failed", {"file": name, "reason": "the disk is full"})
                self._terminal.say(
                    _(
                        "⚠️  The disk is full: {file} was not saved, and no other checkpoint can go. Training goes on; "
                        "free some space before the next."
                    ).format(file=name)
                )
                return None
            self._events.write("checkpoint_removed", {"file": removed.name})
            self._terminal.say(
                _("⚠️  The disk is full: {old} was removed to make room for {file}.").format(old=removed.name, file=name)
            )
            self._writer.again()

    def close(self) -> None:
        """Wait for the checkpoint on its way, and end who writes.

        Raises:
            OSError: The folder cannot be written; earlier checkpoints are untouched.
        """
        try:
            self.tell(wait=True)
        finally:
            self._writer.close()


class NoKeeper:
    """Of a process that trains beside the first, which keeps all checkpoints: keeps none."""

    saved_step = 0
    stall_seconds = 0.0

    def write(self, path: Path, checkpoint: Checkpoint, *, best: bool = False) -> None:
        """Leave it to the first."""

    def tell(self, *, wait: bool = False) -> None:
        """Have nothing to tell."""

    def tidy(self) -> None:
        """Have nothing to remove."""

    def close(self) -> None:
        """Have nothing to end."""

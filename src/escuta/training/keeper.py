"""Writes the checkpoints of a training and removes those that nobody needs any more."""

import time
from collections.abc import Collection
from pathlib import Path

from escuta.messages import _
from escuta.run.checkpoints import Checkpoint, mark_best, prune_checkpoints, write_checkpoint
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from escuta.terminal import Terminal


class Keeper:
    """The checkpoints folder of one run.

    Args:
        run: The run.
        keep_last: Checkpoints kept besides the best.
        events: Where each is noted.
        terminal: Where people read.
    """

    def __init__(self, run: RunFolder, *, keep_last: int, events: EventLog, terminal: Terminal) -> None:
        self._run = run
        self._keep_last = keep_last
        self._events = events
        self._terminal = terminal
        self.stall_seconds = 0.0
        """What writing has kept the training thread from learning, so far."""

    def write(self, path: Path, checkpoint: Checkpoint, *, best: bool = False) -> None:
        """Write `checkpoint` under `path`, and as the best when it is.

        Raises:
            OSError: The disk is full or the folder cannot be written; earlier checkpoints are untouched.
        """
        started = time.perf_counter()
        write_checkpoint(path, checkpoint)
        if best:
            mark_best(self._run, path)
        if path != self._run.last_state:
            self._run.last_state.unlink(missing_ok=True)
        seconds = time.perf_counter() - started
        self.stall_seconds += seconds
        progress = checkpoint.progress
        self._events.write(
            "checkpoint",
            {
                "file": path.name,
                "epoch": progress.epoch,
                "step": progress.step,
                "best": best,
                "stall_seconds": round(seconds, 4),
            },
        )
        self._terminal.say(_("💾 Checkpoint saved: {file}").format(file=path.name))

    def prune(self, needed: Collection[Path]) -> None:
        """Remove old checkpoints, but none of those `needed`."""
        for path in prune_checkpoints(self._run, self._keep_last, needed):
            self._events.write("checkpoint_removed", {"file": path.name})

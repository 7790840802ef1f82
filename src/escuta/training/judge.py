"""Tells the best checkpoint by score as scores come in, beside training: hears events, and looks between two steps."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from escuta.errors import SettingsError
from escuta.messages import _
from escuta.run.events import EventLog
from escuta.scoring.best import BestByScore
from escuta.terminal import Terminal


class Judge:
    """Between the scores of a training and its checkpoints.

    Args:
        best: Chooses.
        terminal: Where people read.
    """

    def __init__(self, best: BestByScore, terminal: Terminal) -> None:
        self._best = best
        self._terminal = terminal
        self._undecided = False
        self._problems: set[str] = set()
        self.stall_seconds = 0.0
        """What choosing has kept the training thread from learning, so far."""

    def recall(self) -> None:
        """Learn what an earlier start of this run has scored."""
        self._best.read()
        self._undecided = True

    def hear(self, event: Mapping[str, Any]) -> None:
        """Learn from an event of the run; a checkpoint may be scored before it is on disk."""
        match event:
            case {"event": "epoch", "epoch": int(epoch), "val_loss": float(val_loss)}:
                self._best.validated(f"epoch_{epoch}", val_loss)
            case {"event": "scored", "name": str(name)}:
                self._best.scored(name)
                self._undecided = True
            case {"event": "checkpoint"}:
                self._undecided = True

    def tell(self, events: EventLog) -> None:
        """Choose anew where something has changed; tell people and `events` of another choice. Never stops training."""
        if not self._undecided:
            return
        self._undecided = False
        started = time.perf_counter()
        try:
            choice = self._best.choose()
        except SettingsError as error:
            self._warn(*error.problems)
            return
        except OSError as error:
            self._warn(_("the best by score could not be kept ({reason})").format(reason=error))
            return
        seconds = time.perf_counter() - started
        self.stall_seconds += seconds
        if choice:
            best, reason = choice
            self._terminal.say(_("⭐ Best by score: {name} ({reason})").format(name=best.name, reason=reason))
            fields = {"name": best.name, "epoch": best.epoch, "step": best.step, "reason": reason}
            events.write("best_by_score", {**fields, "stall_seconds": round(seconds, 4)})

    def checkpoints_needed(self) -> set[Path]:
        """Checkpoints that are kept for their scores."""
        return set(self._best.top)

    @property
    def best_name(self) -> str | None:
        """What the samples of the best by score are called; None while nothing is scored."""
        return self._best.choice.best.name if self._best.choice else None

    def epochs_in_vain(self) -> int:
        """Count the epochs that were scored since the best."""
        return self._best.scored_since()

    def _warn(self, *problems: str) -> None:
        """Say each problem once."""
        for problem in problems:
            if problem not in self._problems:
                self._problems.add(problem)
                self._terminal.say(f"⚠️  {problem}")

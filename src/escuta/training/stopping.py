"""When a training ends, and when its state is saved in between."""

import time
from collections.abc import Callable
from enum import IntEnum
from typing import Literal, TypeAlias

from escuta.run.checkpoints import Progress
from escuta.settings import TrainingSettings

Reason: TypeAlias = Literal["epochs", "patience", "minutes", "asked"]
"""Why a training ended: after its last epoch, without improvement, out of time, or because somebody asked."""


class Urge(IntEnum):
    """What is wanted between two steps, the most urgent last."""

    GO_ON = 0
    SAVE = 1
    MINUTES = 2
    ASKED = 3


class Clock:
    """Tells what is wanted now.

    Args:
        training: How long a start may last, and how much of it a kill may cost.
        now: Seconds since whenever.
    """

    def __init__(self, training: TrainingSettings, now: Callable[[], float] = time.monotonic) -> None:
        self._training = training
        self._now = now
        self._started = self._saved = now()

    def urge(self, *, asked: bool) -> Urge:
        """What is wanted; `asked` says whether somebody wants an end."""
        if asked:
            return Urge.ASKED
        now, limit = self._now(), self._training.max_minutes
        if limit is not None and now - self._started >= 60 * limit:
            return Urge.MINUTES
        return Urge.SAVE if now - self._saved >= 60 * self._training.save_state_minutes else Urge.GO_ON

    def saved(self) -> None:
        """Count anew: what there is has been saved."""
        self._saved = self._now()


def out_of_patience(progress: Progress, training: TrainingSettings, scored_in_vain: int = 0) -> bool:
    """Whether so many epochs in a row have not improved what is waited for.

    Args:
        progress: At the end of an epoch.
        training: How long to wait, and for what.
        scored_in_vain: Epochs that were scored since the best; one whose scores are not there yet does not count.
    """
    if training.patience is None:
        return False
    in_vain = scored_in_vain if training.stop_on == "score" else progress.epoch - (progress.best_epoch or 0)
    return in_vain >= training.patience


def why_ended(progress: Progress, training: TrainingSettings, urge: Urge, *, in_vain: bool) -> Reason | None:
    """Why a training that has come so far goes no further; None when it does.

    Args:
        progress: How far it has come.
        training: What it was meant to do.
        urge: What is wanted now.
        in_vain: Whether it was out of patience at the end of its last epoch.
    """
    if progress.epoch >= training.epochs:
        return "epochs"
    if urge is Urge.ASKED:
        return "asked"
    if progress.micro_steps_in_epoch == 0 and in_vain:
        return "patience"
    return "minutes" if urge is Urge.MINUTES else None

"""Which checkpoint is best: the rule, in one function; a run can have one of its own with `scores.rule`.

First the voice: a checkpoint that is clearly less like the speaker than the closest one is out, if it is below the
floor. Then the words: of the others, those stay that nobody beats beyond the noise by character error rate. Then how
natural they sound, the same way. What still cannot be told apart is decided by val_loss.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from escuta.messages import _
from escuta.scoring.catalogue import SCORES, title
from escuta.scoring.scored import Scored
from escuta.scoring.spread import Spread, is_better

LIKENESS = "speaker_similarity"
IN_TURN = ("character_error_rate", "naturalness")
"""Scores that decide among those that are above the floor, the first that tells them apart."""

SIMILARITY_MARGIN = 0.05
"""The floor is at least so far below the closest checkpoint. Measured on the bundled voices: real clips of one speaker
scatter by 0.013 (standard deviation) around 0.93 to 0.96, and those of the other are at 0.70."""


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What checkpoints are measured against."""

    base: Scored | None = None
    """The model before training, as epoch 0 spoke; None where nobody scored it."""
    spread: Spread = field(default_factory=dict)
    """The noise of each score over seeds."""


class Choice(NamedTuple):
    """The best checkpoint, and why, in plain words."""

    best: Scored
    reason: str


Rule: TypeAlias = Callable[[Sequence[Scored], Yardstick], Choice]
"""Chooses one of several checkpoints, at least one."""


def choose(checkpoints: Sequence[Scored], yardstick: Yardstick) -> Choice:
    """Choose the best of `checkpoints`: similarity floor, character error rate, naturalness; ties by val_loss.

    A score that nobody was measured by is passed over; where some were, the others cannot be the best.
    """
    left, reasons = _close_to_the_voice(checkpoints, yardstick)
    for score in IN_TURN:
        if len(left) > 1 and any(one.scores.get(score) for one in left):
            left, reason = _unbeaten(left, score, yardstick.spread)
            reasons.append(reason)
    best = min(left, key=_tie)
    if len(left) > 1:
        names = _("val_loss") if best.val_loss is not None else _("the plain numbers")
        reasons.append(_("{names} decided among the {n} that were left").format(names=names, n=len(left)))
    return Choice(best, "; ".join(reasons) or _("the only one that was scored"))


def ranked(
    checkpoints: Sequence[Scored], yardstick: Yardstick, rule: Rule = choose, first: int | None = None
) -> list[Scored]:
    """Order `checkpoints`, the best first: each is what the rule chooses when those before it are gone.

    Args:
        checkpoints: To order.
        yardstick: What they are measured against.
        rule: Chooses.
        first: So many are enough; all when not given.
    """
    left, order = list(checkpoints), list[Scored]()
    while left and len(order) != first:
        order.append(rule(left, yardstick).best)
        left = [one for one in left if one.name != order[-1].name]
    return order


def _close_to_the_voice(checkpoints: Sequence[Scored], yardstick: Yardstick) -> tuple[list[Scored], list[str]]:
    """Leave out what does not sound like the speaker; say so where that is any."""
    likeness = {one.name: mean for one in checkpoints if (mean := one.mean(LIKENESS)) is not None}
    measured = [one for one in checkpoints if one.name in likeness]
    if not measured:
        return list(checkpoints), []
    closest = max(measured, key=lambda one: likeness[one.name])
    at_first = yardstick.base.mean(LIKENESS) if yardstick.base else None
    gained = likeness[closest.name] - (likeness[closest.name] if at_first is None else at_first)
    floor = likeness[closest.name] - max(gained / 2, SIMILARITY_MARGIN)
    left = [
        one
        for one in measured
        if likeness[one.name] >= floor or not is_better(LIKENESS, closest, one, yardstick.spread)
    ]
    if len(left) == len(checkpoints):
        return left, []
    text = _("{n} of {all} sound enough like the speaker (similarity {floor:.2f} or more, up to noise)")
    return left, [text.format(n=len(left), all=len(checkpoints), floor=floor)]


def _unbeaten(checkpoints: Sequence[Scored], score: str, spread: Spread) -> tuple[list[Scored], str]:
    """Keep those that the best by `score` does not beat beyond the noise; say what it told."""
    means = {one.name: mean for one in checkpoints if (mean := one.mean(score)) is not None}
    measured = [one for one in checkpoints if one.name in means]
    lower = SCORES[score].better == "lower"
    leader = min(measured, key=lambda one: means[one.name] if lower else -means[one.name])
    left = [one for one in measured if one is leader or not is_better(score, leader, one, spread)]
    if len(left) == 1:
        text = _("{title} is best at {value:.3f}, beyond the noise")
    else:
        text = _("{title}: {n} of {all} cannot be told from the best, {value:.3f}")
    return left, text.format(title=title(score), value=means[leader.name], n=len(left), all=len(checkpoints))


def _tie(one: Scored) -> tuple[float, float, float, int]:
    """What decides when nothing else does, the least first: val_loss, then the plain numbers, then the earlier."""
    errors, naturalness = (one.mean(score) for score in IN_TURN)
    return (
        math.inf if one.val_loss is None else one.val_loss,
        math.inf if errors is None else errors,
        -(naturalness or 0.0),
        one.step,
    )

"""The checkpoints that a blind test compares."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from escuta.report.answers import Answer
from escuta.report.history import BASE

MOST_CONTENDERS = 6
"""Of more, twenty answers tell little."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A checkpoint that has spoken."""

    name: str
    title: str
    weights: str
    files: Mapping[str, str]
    """By text: what it says with the run's own seed, in samples/."""


def contenders(view: Mapping[str, Any]) -> list[Contender]:
    """Every checkpoint that has spoken, in the order of training; of the same weights only the first."""
    found: dict[str, Contender] = {}
    for checkpoint in view["checkpoints"]:
        files: dict[str, str] = {}
        for take in checkpoint["takes"]:
            if take["file"]:
                files.setdefault(view["sentences"][take["sentence"]], take["file"])  # further seeds come later
        if files:
            one = Contender(checkpoint["name"], checkpoint["title"], checkpoint["weights"], files)
            found.setdefault(one.weights, one)
    return list(found.values())


def choose_contenders(view: Mapping[str, Any], answers: Sequence[Answer]) -> list[Contender]:
    """Those to ask about: what loss and scores chose, the newest, the base model, those answered about, then others.

    The others are spread over the training.
    """
    everybody = {one.name: one for one in contenders(view)}
    names = list(everybody)
    heard = Counter(name for answer in answers for name in (answer.first, answer.second))
    favourites = [view["best"]["score"], view["best"]["val_loss"], *names[-1:], BASE]
    wanted = [*favourites, *(name for name, _count in heard.most_common())]
    chosen = list(dict.fromkeys(name for name in wanted if name in everybody))[:MOST_CONTENDERS]
    others = [name for name in names if name not in chosen]
    room = MOST_CONTENDERS - len(chosen)
    spread = others if len(others) <= room else [others[len(others) * (2 * n + 1) // (2 * room)] for n in range(room)]
    return [everybody[name] for name in [*chosen, *spread]]

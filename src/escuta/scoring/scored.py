"""What a checkpoint's sample scored, as plain data: for pages, for the rule, and for whoever writes another."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TypeAlias

from pydantic import BaseModel, ValidationError

ENDING = ".scores.json"
"""Of the file beside a sample's JSON."""

Values: TypeAlias = Mapping[str, tuple[float, ...]]
"""One score: for each sentence, the number of each seed that it was spoken with."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One checkpoint and its scores."""

    name: str
    """`epoch_3` or `step_500`, as its samples are called."""
    epoch: int
    step: int
    scores: Mapping[str, Values] = field(default_factory=dict)
    """By their names in `scoring/catalogue.py`; a score that could not be measured is missing."""
    val_loss: float | None = None
    """None where it was not validated, as within an epoch."""

    def mean(self, score: str) -> float | None:
        """Mean of a score over the sentences, each weighing the same; None when it was not measured."""
        values = self.scores.get(score)
        return fmean(map(fmean, values.values())) if values else None


class _File(BaseModel):
    text: str
    scores: dict[str, float | None] = {}


class _Record(BaseModel):
    name: str = ""
    epoch: int = 0
    step: int = 0
    files: list[_File]


def read_scored(path: Path, val_loss: float | None = None) -> Scored | None:
    """Read `samples/epoch_N.scores.json`; None when it is not there, or damaged."""
    try:
        record = _Record.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    scores = _by_score(record.files)
    return Scored(record.name or path.name.removesuffix(ENDING), record.epoch, record.step, scores, val_loss)


def _by_score(files: Iterable[_File]) -> dict[str, Values]:
    found: dict[str, dict[str, tuple[float, ...]]] = defaultdict(dict)
    for file in files:
        for name, value in file.scores.items():
            if value is not None and math.isfinite(value):
                found[name][file.text] = (*found[name].get(file.text, ()), value)
    return dict(found)

"""The scores of a run as the page shows them: per file, per checkpoint, beside the ceiling and the noise."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from escuta.report.history import BASE
from escuta.report.records import read_record, stamp
from escuta.scoring.catalogue import SCORES, title
from escuta.scoring.rule import IN_TURN, LIKENESS
from escuta.scoring.scored import ENDING, Scored, read_scored
from escuta.scoring.spread import Spread, difference, spread_of

HELD_OUT = "held_out"
"""Whose scores are the ceiling."""
DECIDING = (IN_TURN[0], LIKENESS, IN_TURN[1])
"""What the best checkpoint is chosen by, as the page orders them."""


class _File(BaseModel):
    file: str
    heard: str | None = None
    scores: dict[str, float | None] = {}


class _Record(BaseModel):
    """One file of scores, as far as the page tells it."""

    scorers: dict[str, str] = {}
    missing: dict[str, str] = {}
    files: list[_File]


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of one spoken file."""

    scores: list[float | None] = field(default_factory=list)
    """The deciding ones among `Measures.names`; empty where nobody scored it."""
    heard: str | None = None


@dataclass(frozen=True, slots=True)
class Measures:
    """The scores of a run."""

    names: list[str]
    """Of the scores that anything was measured by, the deciding ones first."""
    records: Mapping[str, Mapping[str, _File]]
    """By checkpoint, by file."""
    scored: Mapping[str, Scored]
    """By checkpoint, and `held_out`."""
    spread: Spread
    scorers: Mapping[str, str]
    missing: Mapping[str, str]
    """Scores that the newest scored checkpoint lacks, and why."""

    def rows(self) -> list[dict[str, Any]]:
        """What the page says of each score."""
        ceiling = self.scored.get(HELD_OUT)
        return [
            {
                "name": name,
                "title": title(name),
                "unit": SCORES[name].unit,
                "better": SCORES[name].better,
                "by": self.scorers.get(name, ""),
                "ceiling": short(ceiling.mean(name)) if ceiling else None,
                "spread": short(self.spread[name].value) if name in self.spread else None,
                "noise": short(self._noise(name)),
                "main": name in DECIDING,
            }
            for name in self.names
        ]

    def means(self, checkpoint: str) -> list[float | None]:
        """The mean of each score over the sentences; empty where nobody scored the checkpoint."""
        scored = self.scored.get(checkpoint)
        return [short(scored.mean(name)) for name in self.names] if scored else []

    def of(self, checkpoint: str, file: str) -> Measured:
        """What is known of one file."""
        found = self.records.get(checkpoint, {}).get(file)
        if found is None:
            return Measured()
        return Measured([short(found.scores.get(name)) for name in self.names if name in DECIDING], found.heard)

    def verdicts(self, checkpoint: str) -> dict[str, str]:
        """By which of the deciding scores a checkpoint is "better" or "worse" than the base, beyond the noise."""
        if checkpoint == BASE or checkpoint not in self.scored or BASE not in self.scored:
            return {}
        found = {}
        for name in DECIDING:
            interval = difference(name, self.scored[checkpoint], self.scored[BASE], self.spread)
            if interval and (interval.low > 0 or interval.high < 0):
                is_higher = interval.low > 0
                found[name] = "better" if is_higher == (SCORES[name].better == "higher") else "worse"
        return found

    def _noise(self, name: str) -> float | None:
        """By how much a checkpoint that spoke each sentence once differs from the base by chance."""
        values = self.scored[BASE].scores.get(name) if BASE in self.scored else None
        if not values or name not in self.spread:
            return None
        return self.spread[name].margin(len(values), sum(map(len, values.values())))


def read_measures(samples: Path, names: Collection[str], val_losses: Mapping[str, float | None]) -> Measures:
    """Read the scores of the checkpoints `names`, and of the held-out clips, from the folder of samples."""
    scored, records = {}, {}
    for name in [*names, HELD_OUT]:
        path = samples / f"{name}{ENDING}"
        record = read_record(_Record, path)
        values = _scored(path, stamp(path), val_losses.get(name)) if record else None
        if record and values:
            records[name], scored[name] = record, values
    newest = max((one for name, one in scored.items() if name != HELD_OUT), key=lambda one: one.step, default=None)
    measured = {score for one in scored.values() for score in one.scores}
    return Measures(
        names=[name for name in dict.fromkeys((*DECIDING, *SCORES)) if name in measured],
        records={name: {file.file: file for file in record.files} for name, record in records.items()},
        scored=scored,
        spread=spread_of(one for name, one in scored.items() if name != HELD_OUT),
        scorers={score: by for record in records.values() for score, by in record.scorers.items()},
        missing=records[newest.name].missing if newest and newest.name in records else {},
    )


def short(value: float | None) -> float | None:
    """A number in four digits, as many as anyone reads; None for what is no number."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.4g}")


@lru_cache(maxsize=10_000)
def _scored(path: Path, _stamp: tuple[int, int], val_loss: float | None) -> Scored | None:
    return read_scored(path, val_loss)

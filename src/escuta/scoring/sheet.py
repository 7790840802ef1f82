"""The scores of a sample as a file: what was measured of each recording, by what, and the means."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from escuta.run.publish import publish_text
from escuta.scoring.catalogue import SCORES

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording."""

    file: str
    text: str
    seed: int | None
    """None where nothing was drawn: a real recording."""
    heard: str | None
    """By the recogniser."""
    scores: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All recordings of one sample, or of a folder."""

    scorers: dict[str, str]
    """By score: what measured it."""
    missing: dict[str, str]
    """By score: why nothing did."""
    seconds: float
    """That scoring took."""
    audio_seconds: float
    """That was scored."""
    files: tuple[Entry, ...]
    about: dict[str, Any] = field(default_factory=dict)
    """Which sample it is of: name, epoch, step and weights; empty for others."""

    @property
    def mean(self) -> dict[str, float]:
        """Of each score, each sentence weighing the same however many seeds it was spoken with."""
        return means(self.files)

    def to_json(self) -> dict[str, Any]:
        """As files have it."""
        return {
            "format": FORMAT,
            **self.about,
            "scorers": self.scorers,
            "missing": self.missing,
            "seconds": self.seconds,
            "audio_seconds": self.audio_seconds,
            "files": [asdict(entry) for entry in self.files],
            "mean": self.mean,
        }

    def event(self) -> dict[str, Any]:
        """What events.jsonl tells of it."""
        place: dict[str, Any] = {key: self.about[key] for key in ("name", "epoch", "step") if key in self.about}
        return {**place, "seconds": self.seconds, "mean": self.mean, "missing": self.missing}

    def write(self, path: Path) -> None:
        """Write it, whole or not at all.

        Raises:
            OSError: The folder cannot be written, or the disk is full.
        """
        publish_text(path, json.dumps(self.to_json(), ensure_ascii=False, indent=2) + "\n")


def means(entries: Iterable[Entry]) -> dict[str, float]:
    """Mean of each score over the texts, of each text over its recordings."""
    by_text: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        for name, value in entry.scores.items():
            by_text[name][entry.text].append(value)
    return {name: round(fmean(map(fmean, by_text[name].values())), 4) for name in SCORES if name in by_text}


def read_sheet(path: Path) -> dict[str, Any]:
    """Read what `write` wrote; empty where there is none, or another file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and content.get("format") == FORMAT else {}

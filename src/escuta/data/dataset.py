"""The clips of a run: those it learns from and those kept apart.

Which are kept apart depends on the seed and on the clips' names and texts alone: not on the order of the manifest, not
on the folder, not on how many clips are learned from.
"""

import hashlib
from dataclasses import dataclass

from escuta.data.checks import Findings
from escuta.data.clip import Clip
from escuta.errors import DataError
from escuta.messages import _n

MIN_HELD_OUT = 2  # one is the reference, another gives the sentence
MIN_CLIPS = MIN_HELD_OUT + 1


@dataclass(frozen=True, slots=True)
class Dataset:
    """Clips to learn from, and clips never learned from: for validation and for speaking."""

    train: tuple[Clip, ...]
    held_out: tuple[Clip, ...]


def split(findings: Findings, *, held_out_share: float = 0.05, seed: int = 0, max_clips: int | None = None) -> Dataset:
    """Keep a share of the clips apart.

    Args:
        findings: Of `check`.
        held_out_share: Share of all clips kept apart, 0 to 1; at least 2 clips.
        seed: Of the choice.
        max_clips: Clips to learn from at most, None for all; those kept apart are the same whatever it is.

    Returns:
        Both sides, each in an order that is random but the same every time.

    Raises:
        DataError: Fewer than 3 clips are usable.
    """
    if max_clips is not None and max_clips < 1:
        raise ValueError(f"max_clips is {max_clips}; expected 1 or more")
    clips = sorted(findings.clips, key=lambda clip: _rank(clip, seed))
    if len(clips) < MIN_CLIPS:
        raise DataError(
            _n(
                "{folder}: {count} usable clip in metadata.csv, {left_out} left out; expected {expected} or more. "
                "Add clips, or mend those that `escuta check` reports.",
                "{folder}: {count} usable clips in metadata.csv, {left_out} left out; expected {expected} or more. "
                "Add clips, or mend those that `escuta check` reports.",
                len(clips),
            ).format(
                folder=findings.folder,
                count=len(clips),
                left_out=findings.num_lines - len(clips),
                expected=MIN_CLIPS,
            ),
            *_too_long(findings),
        )
    num_held_out = min(max(MIN_HELD_OUT, round(held_out_share * len(clips))), len(clips) - 1)
    train = clips[num_held_out:]
    return Dataset(train=tuple(train[:max_clips]), held_out=tuple(clips[:num_held_out]))


def _rank(clip: Clip, seed: int) -> tuple[bytes, str]:
    return hashlib.sha256(f"{seed} {clip.name}".encode()).digest(), clip.text


def _too_long(findings: Findings) -> list[str]:
    """A line of its own for the commonest cause, which hides among the lines of all clips."""
    if not findings.num_too_long:
        return []
    return [
        _n(
            "{folder}: {count} clip is longer than {limit:g} s. Split it, or raise data.max_clip_seconds.",
            "{folder}: {count} clips are longer than {limit:g} s. Split them, or raise data.max_clip_seconds.",
            findings.num_too_long,
        ).format(folder=findings.folder, count=findings.num_too_long, limit=round(findings.max_seconds, 2))
    ]

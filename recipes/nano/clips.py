"""The clips that were spoken so far, and their sound: as spoken, or higher or lower and duller, for more voices.

Shapes: T wav frames.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from recipes.nano.manifest import why_dropped
from recipes.nano.recording import recorded
from recipes.nano.texts import read_plan
from recipes.nano.work import read_rows


@dataclass(frozen=True, slots=True)
class Clip:
    """One sentence in one voice."""

    id: str
    language: str
    voice: str
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Take:
    """How a clip is heard: an augmentation that is another voice and another place of the codes' borders."""

    speed: float
    """Of the tape: 1.05 is faster, higher, and of a smaller head."""
    skipped_seconds: float
    """Left out at the beginning."""
    recorded: bool = False
    """Whether it went through a microphone and a line, each voice through its own: see `recording.py`."""


TAKES = (
    Take(1.0, 0.0),
    Take(1.0, 0.023),
    Take(0.89, 0.012, recorded=True),
    Take(1.1, 0.035, recorded=True),
)
"""The first is the clip itself. A code lasts 0.046 s."""


def find_clips(work: Path, splits: Iterable[str] = ("train",)) -> list[Clip]:
    """The clips there are of some splits, in the order of the plan, but for those known to be misheard or too long."""
    wanted = set(splits)
    seconds = {row["id"]: row["seconds"] for row in read_rows(work / "spoken.jsonl")}
    cer = {row["id"]: row["cer"] for row in read_rows(work / "recognised.jsonl")}
    return [
        Clip(row["id"], row["language"], row["voice"], row["text"], seconds[row["id"]])
        for row in read_plan(work)
        if row["split"] in wanted and row["id"] in seconds and not why_dropped(seconds[row["id"]], cer.get(row["id"]))
    ]


def read_wave(work: Path, clip: Clip, sample_rate: int, take: Take = TAKES[0]) -> np.ndarray:
    """Read the sound of a clip, [T]."""
    wav_T, file_rate = sf.read(work / "audio" / f"{clip.id}.flac", dtype="float32")
    wav_T = wav_T[round(take.skipped_seconds * file_rate) :]
    if take.recorded:
        wav_T = recorded(wav_T, file_rate, f"{clip.voice} {take.speed}")
    return np.asarray(soxr.resample(wav_T, file_rate * take.speed, sample_rate), np.float32)

"""Sounds and datasets for tests, made on the spot: no audio file is kept in the repository.

Shapes: T wav frames.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

SAMPLE_RATE = 22_050
WORDS = (
    "the quick brown fox jumps over a lazy dog while seven old sailors watch from the harbour and count "
    "every wave that breaks on stones under an evening sky full of birds going home"
)


def tone(
    seconds: float, sample_rate: int = SAMPLE_RATE, hertz: float = 220.0, level: float = 0.5
) -> NDArray[np.float32]:
    """A sine."""
    return (level * np.sin(2 * np.pi * hertz * _times(seconds, sample_rate))).astype(np.float32)


def noise(seconds: float, sample_rate: int = SAMPLE_RATE, seed: int = 0, level: float = 0.1) -> NDArray[np.float32]:
    """White noise with `level` as its standard deviation."""
    drawn_T = np.random.default_rng(seed).standard_normal(round(seconds * sample_rate))
    return np.clip(level * drawn_T, -0.99, 0.99).astype(np.float32)


def silence(seconds: float, sample_rate: int = SAMPLE_RATE) -> NDArray[np.float32]:
    """Digital silence."""
    return np.zeros(round(seconds * sample_rate), np.float32)


def speechlike(seconds: float, sample_rate: int = SAMPLE_RATE, seed: int = 0) -> NDArray[np.float32]:
    """A buzz with a wandering pitch, in syllables and pauses; every seed is another utterance."""
    random = np.random.default_rng(seed)
    times_T = _times(seconds, sample_rate)
    knots = np.arange(0, seconds + 0.25, 0.25)
    pitch_T = np.interp(times_T, knots, random.uniform(90, 180, len(knots)))
    loudness_T = np.interp(times_T, knots, random.choice([0.0, 0.5, 1.0], len(knots), p=[0.2, 0.4, 0.4]))
    phase_T = 2 * np.pi * np.cumsum(pitch_T) / sample_rate
    buzz_T = np.sum([np.sin(harmonic * phase_T) / harmonic for harmonic in range(1, 9)], axis=0)
    syllables_T = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * times_T)
    hiss_T = 0.002 * random.standard_normal(len(times_T))
    wav_T: NDArray[np.float64] = 0.25 * buzz_T * loudness_T * syllables_T + hiss_T
    return wav_T.astype(np.float32)


def sentence(number: int) -> str:
    """Six to thirteen words; every number is another text."""
    random = np.random.default_rng(number)
    return " ".join(random.permutation(WORDS.split())[: 6 + number % 8]).capitalize() + "."


def make_dataset(
    folder: Path,
    num_clips: int,
    *,
    seconds: Sequence[float] = (1.0, 2.0, 3.0, 4.0),
    sample_rate: int = SAMPLE_RATE,
) -> Path:
    """Write `metadata.csv` (`id|text`) and `wavs/audio_00001.wav` onwards into `folder`.

    Args:
        folder: Made if it is not there.
        num_clips: Each with a sound and a text of its own.
        seconds: Durations, taken in turn.
        sample_rate: Of the recordings.

    Returns:
        `folder`.
    """
    wavs = folder / "wavs"
    wavs.mkdir(parents=True)
    lines = []
    for number in range(1, num_clips + 1):
        name = f"audio_{number:05d}"
        wav_T = speechlike(seconds[(number - 1) % len(seconds)], sample_rate, seed=number)
        soundfile.write(wavs / f"{name}.wav", wav_T, sample_rate, subtype="PCM_16")
        lines.append(f"{name}|{sentence(number)}\n")
    (folder / "metadata.csv").write_text("".join(lines), encoding="utf-8")
    return folder


def _times(seconds: float, sample_rate: int) -> NDArray[np.float64]:
    return np.arange(round(seconds * sample_rate)) / sample_rate

"""What a sample looks like: its loudness along time, and a picture of its spectrograms, drawn once and kept.

A page that was opened as a file cannot read sounds, so both are made beforehand: peaks go into the page, a picture
becomes a file of its own, `pictures/epoch_3.png`, with the spectrograms of the sample's files one below the other.

Shapes: T wav frames, M columns, W window, Q linear frequency bins, F bands.
"""

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, FiniteFloat

from escuta.audio.files import Wav, decode
from escuta.errors import AudioError
from escuta.report.records import read_record, stamp
from escuta.run.publish import publish_text, publishing

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""A peak is one of these: the square root of a level from 0 to 1, in 63 steps."""
NUM_PEAKS = 100

NUM_COLUMNS = 256
NUM_BANDS = 48
HIGHEST_HERTZ = 8000.0
WINDOW_SECONDS = 0.023
NUM_TONES = 16
RANGE_DECIBELS = 60.0
SILENCE_DECIBELS = -30.0
"""What is quieter than this at its loudest is drawn paler, silence not at all; a full tone has about 40."""
INK = (11, 106, 114)
"""Of the loudest, red, green and blue; what is quieter lets more of the page through."""
FORMAT = 1


class _Record(BaseModel):
    """What is kept of a sample: `pictures/epoch_3.json`."""

    format: int
    files: dict[str, tuple[int, int]]
    """Size and time of change of what was drawn."""
    peaks: dict[str, str]
    seconds: FiniteFloat


@dataclass(frozen=True, slots=True)
class Picture:
    """What a few sounds look like."""

    file: str = ""
    """Of the spectrograms, one below the other; empty where none could be drawn."""
    peaks: Mapping[str, str] = field(default_factory=dict)
    """By file: `NUM_PEAKS` letters of `DIGITS`; empty of a file that is damaged."""
    seconds: float = 0.0
    """Of all of them."""


def picture_of(sounds: Sequence[Path], place: Path) -> Picture:
    """Return the picture of `sounds`, drawn before or now.

    Args:
        sounds: Files that are there.
        place: Of the picture, without its ending: `.png` and `.json` are added.
    """
    if not sounds:
        return Picture()
    stamps = {sound.name: stamp(sound) for sound in sounds}
    image, notes = place.with_name(f"{place.name}.png"), place.with_name(f"{place.name}.json")
    record = read_record(_Record, notes)
    if record is None or record.format != FORMAT or record.files != stamps:
        record = _draw(sounds, stamps, image, notes)
    return Picture(image.name, record.peaks, round(record.seconds, 2))


def peaks_of(wav_T: Wav) -> str:
    """How loud a sound is along time: the root mean square of `NUM_PEAKS` equal parts, a letter each."""
    if len(wav_T) == 0:
        return ""
    edges = np.linspace(0, len(wav_T), NUM_PEAKS, endpoint=False).astype(int)
    counts = np.maximum(np.diff([*edges, len(wav_T)]), 1)
    levels = np.sqrt(np.add.reduceat(np.square(wav_T, dtype=np.float64), edges) / counts)
    return "".join(DIGITS[digit] for digit in np.rint(63 * np.sqrt(np.minimum(levels, 1))).astype(int))


def spectrogram(wav_T: Wav, sample_rate: int) -> NDArray[np.uint8]:
    """Draw a sound in `NUM_TONES` tones, [F, M]: the highest band first, 60 dB below the loudest is nothing."""
    window = round(WINDOW_SECONDS * sample_rate)
    padded_T = np.pad(wav_T, (window // 2, window))
    starts_M = np.linspace(0, max(len(wav_T) - 1, 0), NUM_COLUMNS).astype(int)
    frames_MW = padded_T[starts_M[:, None] + np.arange(window)]
    waves_WQ, bands_QF = _projection(window, sample_rate)
    parts_MQ = frames_MW @ waves_WQ
    half = parts_MQ.shape[1] // 2
    power_MF = (parts_MQ[:, :half] ** 2 + parts_MQ[:, half:] ** 2) @ bands_QF
    decibels_MF = 10 * np.log10(np.maximum(power_MF, 10 ** ((SILENCE_DECIBELS - RANGE_DECIBELS) / 10)))
    share_MF = 1 + (decibels_MF - max(decibels_MF.max(), SILENCE_DECIBELS)) / RANGE_DECIBELS
    tones_MF: NDArray[np.uint8] = np.rint((NUM_TONES - 1) * np.clip(share_MF, 0, 1)).astype(np.uint8)
    return tones_MF.T[::-1]


@lru_cache(maxsize=4)
def _projection(window: int, sample_rate: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosines and sines under a Hann window, [W, Q], and triangular bands on the mel scale, [Q, F].

    A few hundred frames need no FFT: a product of matrices does it, and a full GPU is none of its business.
    """
    hertz_Q = np.arange(1, int(min(HIGHEST_HERTZ, sample_rate / 2) * window / sample_rate)) * sample_rate / window
    phases_WQ = 2 * np.pi * np.arange(window)[:, None] * hertz_Q / sample_rate
    hann_W1 = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)[:, None]
    waves = np.concatenate([np.cos(phases_WQ), np.sin(phases_WQ)], axis=1) * hann_W1
    mels_Q = _mel(hertz_Q)
    centres_F = np.linspace(mels_Q[0], mels_Q[-1], NUM_BANDS)
    width = max(centres_F[1] - centres_F[0], 1.0)
    narrowest_Q = np.maximum(np.gradient(mels_Q), width)[:, None]  # low bands lie closer than the frequencies
    bands = np.clip(1 - np.abs(mels_Q[:, None] - centres_F) / narrowest_Q, 0, None)
    return waves.astype(np.float32), bands.astype(np.float32)


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2595 * np.log10(1 + hertz / 700))


def _draw(sounds: Sequence[Path], stamps: Mapping[str, tuple[int, int]], image: Path, notes: Path) -> _Record:
    peaks, tones, seconds = {}, [], 0.0
    for sound in sounds:
        try:
            wav_T, sample_rate = decode(sound)
        except AudioError:
            wav_T, sample_rate = np.zeros(0, np.float32), 1000
        peaks[sound.name] = peaks_of(wav_T)
        tones.append(spectrogram(wav_T, sample_rate))
        seconds += len(wav_T) / sample_rate
    with publishing(image) as partial:
        partial.write_bytes(_png(np.concatenate(tones)))
    record = _Record(format=FORMAT, files=dict(stamps), peaks=peaks, seconds=seconds)
    publish_text(notes, json.dumps(record.model_dump()))  # last: with it, the picture is known to be whole
    return record


def _png(tones: NDArray[np.uint8]) -> bytes:
    """A PNG with 4 bits a point, of one colour that grows from clear to full. Source: PNG specification, W3C 2003."""
    height, width = tones.shape
    rows = np.zeros((height, 1 + width // 2), np.uint8)  # each begins with 0: not filtered
    rows[:, 1:] = tones[:, ::2] << 4 | tones[:, 1::2]
    palette = bytes(INK) * NUM_TONES
    alphas = bytes(round(255 * (tone / (NUM_TONES - 1)) ** 1.5) for tone in range(NUM_TONES))
    header = struct.pack(">IIBBBBB", width, height, 4, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", palette),
        (b"tRNS", alphas),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )

"""Silence before, within and after speech: what a model that lost its way leaves, in seconds, lower is better.

Some silence belongs to speech, so that these numbers judge only beyond what real clips have.

Shapes: T wav frames, M frames of 10 ms.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from escuta.audio.files import Wav

FRAME_SECONDS = 0.01
BELOW_SPEECH_DB = 35.0
"""Below the level of speech by so much is silence: vowels and consonants of one voice lie within 30 dB."""
SPEECH_PERCENTILE = 95
"""Of the frames' levels; stands for the level of speech, so that neither a click nor long pauses set it."""
FLOOR_DB = -60.0
"""Below full scale; what is softer is silence, whatever the rest is."""
MIN_SOUND_FRAMES = 3
"""Shorter sounds are clicks."""


@dataclass(frozen=True, slots=True)
class Silences:
    """In seconds."""

    leading: float
    inner: float
    """The longest between two sounds."""
    trailing: float
    sounding_M: NDArray[np.bool_]
    """Frame by frame, whether there is sound."""


def silences(wav_T: Wav, sample_rate: int) -> Silences:
    """Find where there is no speech; what is silent as a whole is leading silence."""
    sounding_M = _sounding(wav_T, sample_rate)
    seconds = len(wav_T) / sample_rate
    edges = np.flatnonzero(np.diff(sounding_M, prepend=False, append=False))
    if len(edges) == 0:
        return Silences(seconds, 0.0, 0.0, sounding_M)
    starts, ends = edges[::2], edges[1::2]
    pauses = starts[1:] - ends[:-1]
    return Silences(
        leading=float(starts[0]) * FRAME_SECONDS,
        inner=float(pauses.max(initial=0)) * FRAME_SECONDS,
        trailing=max(0.0, seconds - float(ends[-1]) * FRAME_SECONDS),
        sounding_M=sounding_M,
    )


def _sounding(wav_T: Wav, sample_rate: int) -> NDArray[np.bool_]:
    frame = round(FRAME_SECONDS * sample_rate)
    num_frames = -(-len(wav_T) // frame)
    padded_T = np.pad(wav_T.astype(np.float64), (0, num_frames * frame - len(wav_T)))
    power_M = np.square(padded_T).reshape(num_frames, frame).mean(axis=1)
    level_M = 10 * np.log10(np.maximum(power_M, 1e-12))
    threshold = max(np.percentile(level_M, SPEECH_PERCENTILE) - BELOW_SPEECH_DB, FLOOR_DB)
    return _without_clicks(level_M > threshold)


def _without_clicks(sounding_M: NDArray[np.bool_]) -> NDArray[np.bool_]:
    edges = np.flatnonzero(np.diff(sounding_M, prepend=False, append=False))
    kept_M = sounding_M.copy()
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start < MIN_SOUND_FRAMES:
            kept_M[start:end] = False
    return kept_M

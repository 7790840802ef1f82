"""Repetition: seconds of a recording that say once more what was just heard, lower is better.

A model that has lost its place loops over a syllable, or drones on after the last word. Both are found as a recording
that is like itself some time later: frame by frame for at least half a second, which speech otherwise is not.

Shapes: F mel bins, M mel frames, T wav frames.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from escuta.audio.files import Wav
from escuta.audio.mel import MelSpec, power_mel
from escuta.scoring.recording import MODEL_RATE

MEL = MelSpec(sample_rate=MODEL_RATE, num_fft=1024, hop=320, window=640, num_bins=40, max_hertz=7600)
"""Frames of 20 ms."""
SHORTEST_FRAMES = 25
"""Half a second: shorter likenesses are the vowels and rhymes of speech."""
NEAREST_FRAMES = 10
"""A sound is always like itself a moment later."""
ALIKE_DB = 3.5
"""Mean distance of two stretches, each frame at its own level. Of 77 recordings of speech, one has stretches so near to
each other; when the last third of a second is said again four times, changed in level and with noise, all have.
"""
DYNAMIC_RANGE_DB = 50.0
"""Below the loudest frame is silence, and silence repeats nothing."""
UNLIKE_DB = 30.0
"""How far silence is from everything."""
FARTHEST_FRAMES = 1500
"""Half a minute: a loop comes back sooner, and a text that is said again later was written so."""


def repeated_seconds(wav_T: Wav) -> float:
    """Seconds that repeat something earlier in the recording.

    Args:
        wav_T: Audio at 16 000 Hz.
    """
    if len(wav_T) <= MEL.num_fft // 2:
        return 0.0
    spectra_MF, silent_M = _spectra(wav_T)
    num_frames = len(silent_M)
    repeated_M = np.zeros(num_frames, bool)
    for lag in range(NEAREST_FRAMES, min(num_frames - SHORTEST_FRAMES, FARTHEST_FRAMES)):
        distance_M = np.sqrt(np.square(spectra_MF[lag:] - spectra_MF[:-lag]).mean(axis=1))
        distance_M[silent_M[lag:] | silent_M[:-lag]] = UNLIKE_DB
        sums = np.concatenate([[0.0], np.cumsum(distance_M, dtype=np.float64)])
        runs = (sums[SHORTEST_FRAMES:] - sums[:-SHORTEST_FRAMES]) / SHORTEST_FRAMES
        for start in np.flatnonzero(runs < ALIKE_DB):
            repeated_M[start + lag : start + lag + SHORTEST_FRAMES] = True
    return float(repeated_M.sum()) * MEL.hop / MODEL_RATE


def _spectra(wav_T: Wav) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The spectrum of each frame in dB, each at its own level, and whether the frame is silent."""
    power_FM = power_mel(torch.from_numpy(wav_T)[None], MEL)[0].numpy()
    level_M = power_FM.sum(axis=0)
    floor = max(10 ** (-DYNAMIC_RANGE_DB / 10) * float(level_M.max()), 1e-9)
    spectra_MF = 10 * np.log10(np.maximum(power_FM, floor / MEL.num_bins)).T
    return spectra_MF - spectra_MF.mean(axis=1, keepdims=True), level_M <= floor

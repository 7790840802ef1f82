"""What a microphone and a line make of speech: Kokoro speaks in a studio, people's recordings are uneven and dull.

Shapes: T wav frames, P points of a curve.
"""

import zlib

import numpy as np

POINTS_P = np.array([50, 125, 250, 500, 1000, 2000, 4000, 8000])  # Hz
UNEVEN_DB = 3.0  # standard deviation at each point
DULL_DB = (-12.0, 3.0)  # at 8 kHz, falling from 1 kHz on
HIGHEST = (7500, 9500, 11500)  # Hz that pass, of files of 16, 20 and 24 kHz
SHUT_DB = -40.0
PEAK = 0.95


def recorded(wav_T: np.ndarray, sample_rate: int, name: str) -> np.ndarray:
    """Speech through one microphone and line, the same for the same name, as loud as before where `PEAK` allows it."""
    draws = np.random.default_rng(zlib.crc32(name.encode()))
    octaves_P = np.log2(POINTS_P / 1000)
    gains_P = draws.normal(0, UNEVEN_DB, len(POINTS_P)) + draws.uniform(*DULL_DB) * np.clip(octaves_P / 3, 0, 1)
    frequencies = np.fft.rfftfreq(wav_T.size, 1 / sample_rate)
    gains_db = np.interp(np.log2(np.maximum(frequencies, 1) / 1000), octaves_P, gains_P)
    gains_db[frequencies > draws.choice(HIGHEST)] += SHUT_DB
    heard_T = np.fft.irfft(np.fft.rfft(wav_T) * 10 ** (gains_db / 20), wav_T.size)
    louder = np.sqrt(np.mean(wav_T**2) / max(np.mean(heard_T**2), 1e-12))
    return np.asarray(heard_T * min(louder, PEAK / max(np.abs(heard_T).max(), 1e-9)), np.float32)

"""Loudness of a recording as people hear it, in LUFS: louder is neither better nor worse.

Source: ITU-R BS.1770-5, Annex 1: K-weighting, mean square of blocks of 400 ms, an absolute and a relative gate.

Shapes: T wav frames, W taps of the weighting, N blocks.
"""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from escuta.audio.files import Wav, resample

RATE = 48_000  # Hz; the standard gives its filters for this rate
# Tables 1 and 2 of the standard: the head's shelf, then the high-pass; numerator and denominator from z⁰ on.
SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
NUM_TAPS = 4096
"""Of the two filters' answer to one impulse: what comes later is 160 dB below."""
BLOCK_POINTS = 1024
"""Filtered at once."""
BLOCKS_AT_ONCE = 1024
"""In 21 MB of memory, however long the recording is."""
BLOCK_SECONDS, STEP_SECONDS = 0.4, 0.1
OFFSET_LUFS = -0.691  # of mean square 1
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0


def loudness(wav_T: Wav, sample_rate: int) -> float | None:
    """Integrated loudness; None where nothing is louder than the absolute gate, or all is shorter than a block.

    Args:
        wav_T: Float audio in [-1, 1].
        sample_rate: Hz.
    """
    square_T = np.square(_weighted(resample(wav_T, sample_rate, RATE)))
    block, step = round(BLOCK_SECONDS * RATE), round(STEP_SECONDS * RATE)
    sums = np.concatenate([[0.0], np.cumsum(square_T, dtype=np.float64)])
    starts = np.arange(0, len(square_T) - block + 1, step)
    power_N = (sums[starts + block] - sums[starts]) / block
    power_N = power_N[_lufs(power_N) > ABSOLUTE_GATE_LUFS]
    if len(power_N) == 0:
        return None
    power_N = power_N[_lufs(power_N) > _lufs(power_N.mean()) + RELATIVE_GATE_LU]
    return float(_lufs(power_N.mean()))


def _lufs(power: NDArray[np.float64] | np.floating) -> NDArray[np.float64]:
    return np.asarray(OFFSET_LUFS + 10 * np.log10(np.maximum(power, 1e-12)))


def _weighted(wav_T: Wav) -> NDArray[np.float32]:
    """Filter blockwise, as one product of matrices: a recursion over points would take Python seconds."""
    num_blocks = max(1, -(-len(wav_T) // BLOCK_POINTS))
    padded_T = np.pad(wav_T, (NUM_TAPS - 1, num_blocks * BLOCK_POINTS - len(wav_T)))
    pieces = np.lib.stride_tricks.sliding_window_view(padded_T, NUM_TAPS - 1 + BLOCK_POINTS)[::BLOCK_POINTS]
    products = [
        torch.from_numpy(pieces[first : first + BLOCKS_AT_ONCE].copy()) @ _weighting()
        for first in range(0, num_blocks, BLOCKS_AT_ONCE)
    ]
    return torch.cat(products).flatten().numpy()[: len(wav_T)]


@cache
def _weighting() -> torch.Tensor:
    """What turns a piece of the recording into the filtered block at its end."""
    answer = np.pad(_impulse_answer()[::-1], (0, BLOCK_POINTS - 1))
    columns = [np.roll(answer, point) for point in range(BLOCK_POINTS)]
    return torch.from_numpy(np.stack(columns, axis=1))


def _impulse_answer() -> NDArray[np.float32]:
    answer = [1.0] + [0.0] * (NUM_TAPS - 1)
    for (b0, b1, b2), (_one, a1, a2) in (SHELF, HIGH_PASS):
        filtered: list[float] = []
        x1 = x2 = y1 = y2 = 0.0
        for x in answer:
            y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
            x1, x2, y1, y2 = x, x1, y, y1
            filtered.append(y)
        answer = filtered
    return np.asarray(answer, np.float32)

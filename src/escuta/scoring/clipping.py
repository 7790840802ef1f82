"""Clipping: the share of a recording's points at full scale, 0 to 1, lower is better.

Shapes: T wav frames.
"""

import numpy as np

from escuta.audio.files import Wav

FULL_SCALE = 0.999  # amplitude; the loudest point of a 16-bit wav is 32767 / 32768 = 0.99997


def clipped_share(wav_T: Wav) -> float:
    """Share of points at full scale.

    Args:
        wav_T: Float audio in [-1, 1].
    """
    return float(np.mean(np.abs(wav_T) >= FULL_SCALE)) if len(wav_T) else 0.0

"""Pitch: the median of a voice in Hz and its range in semitones; neither direction is better by itself.

Source: SwiftF0 (arXiv:2508.18440), 14 thousand weights that come with the package `swift-f0`.

Shapes: T wav frames, M frames of 16 ms.
"""

from dataclasses import dataclass

import numpy as np

from escuta.audio.files import Wav
from escuta.scoring.recording import MODEL_RATE

LOWEST_HERTZ, HIGHEST_HERTZ = 50.0, 600.0
"""Of speech, with room for whispering giants and shouting children."""
VOICED = 0.5  # confidence from which swift-f0 calls a frame voiced
MIN_VOICED_FRAMES = 12
"""Fewer, a fifth of a second, say nothing of a voice."""
OUTER_PERCENTILES = (5, 95)
"""Between them lies the range: single frames an octave off do not widen it."""


@dataclass(frozen=True, slots=True)
class Pitch:
    """Of one recording."""

    median_hertz: float
    range_semitones: float


class PitchMeter:
    """Measures pitch.

    Args:
        threads: CPU threads it may use.

    Raises:
        ImportError: swift-f0 is not installed.
    """

    def __init__(self, threads: int) -> None:
        from importlib.metadata import version

        from swift_f0 import SwiftF0

        self._detector = SwiftF0(threads=threads, spin=False)
        self.title = f"swift-f0 {version('swift-f0')}"

    def measure(self, wav_T: Wav) -> Pitch | None:
        """The pitch of a voice; None where there is hardly a voiced sound.

        Args:
            wav_T: Audio at 16 000 Hz.
        """
        found = self._detector.detect(wav_T, MODEL_RATE, LOWEST_HERTZ, HIGHEST_HERTZ)
        hertz_M = found.pitch_hz[found.confidence >= VOICED]
        if len(hertz_M) < MIN_VOICED_FRAMES:
            return None
        low, high = np.percentile(hertz_M, OUTER_PERCENTILES)
        return Pitch(float(np.median(hertz_M)), float(12 * np.log2(high / low)))

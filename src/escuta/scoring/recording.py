"""One recording, at whichever rate a score wants it.

Shapes: T wav frames.
"""

from functools import cached_property
from pathlib import Path

from escuta.audio.files import Wav, decode, resample
from escuta.scoring.silence import Silences, silences

MODEL_RATE = 16_000
"""What the recogniser, the voice encoder and the judges of naturalness and pitch hear, Hz."""


class Recording:
    """Audio to be scored.

    Args:
        wav_T: Mono float audio in [-1, 1].
        sample_rate: Hz.
    """

    def __init__(self, wav_T: Wav, sample_rate: int) -> None:
        self.wav_T = wav_T
        self.sample_rate = sample_rate

    @classmethod
    def read(cls, path: Path) -> "Recording":
        """Read an audio file.

        Raises:
            AudioError: It cannot be read, is cut off, or holds no sound.
        """
        return cls(*decode(path))

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.wav_T) / self.sample_rate

    @cached_property
    def at_16k_T(self) -> Wav:
        """As models hear it."""
        return resample(self.wav_T, self.sample_rate, MODEL_RATE)

    @cached_property
    def silences(self) -> Silences:
        """Where nobody speaks."""
        return silences(self.wav_T, self.sample_rate)

    @property
    def speech_seconds(self) -> float:
        """From the first sound to the last, pauses between counted."""
        return self.seconds - self.silences.leading - self.silences.trailing

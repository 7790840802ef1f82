"""Speaking rate: characters a second, and how far that is from the rate of the voice being learned.

The rate itself is neither good nor bad; its distance, in standard deviations of the dataset's own clips, is better
lower. Characters are those that sound; seconds run from the first sound to the last.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from escuta.scoring.plain_text import plain

MIN_SPEECH_SECONDS = 0.1
MIN_CLIPS = 3
"""Of fewer, a standard deviation says nothing."""
LEAST_DEVIATION = 0.05
"""Share of the mean: clips more alike than that would make every sample look strange."""


@dataclass(frozen=True, slots=True)
class UsualRate:
    """How fast the clips of a dataset are spoken."""

    mean: float
    deviation: float
    """Standard deviation between clips."""

    @classmethod
    def of(cls, rates: Sequence[float]) -> "UsualRate | None":
        """Gather the clips' rates; None where there are too few."""
        if len(rates) < MIN_CLIPS:
            return None
        mean = statistics.fmean(rates)
        return cls(mean, max(statistics.stdev(rates), LEAST_DEVIATION * mean))

    def distance(self, rate: float) -> float:
        """How many standard deviations `rate` is away, in either direction."""
        return abs(rate - self.mean) / self.deviation


def speaking_rate(text: str, language: str, speech_seconds: float) -> float | None:
    """Characters a second; None where there is no speech."""
    return len(plain(text, language)) / speech_seconds if speech_seconds >= MIN_SPEECH_SECONDS else None

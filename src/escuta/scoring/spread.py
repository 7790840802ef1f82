"""The noise of scores: how much the same checkpoint differs from itself with another seed.

What is said to be better, on a page or by a rule, is better beyond this, or it is not said: `is_better`.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import TypeAlias

from escuta.scoring.catalogue import SCORES
from escuta.scoring.intervals import CONFIDENCE, Interval, bootstrap
from escuta.scoring.scored import Scored


@dataclass(frozen=True, slots=True)
class Deviation:
    """The standard deviation of one score of one sentence over seeds, and how well it is known."""

    value: float
    degrees: int
    """Of freedom: numbers it was estimated from, less one for each sentence."""

    def margin(self, num_spoken: int, num_others: int) -> float:
        """How much means over so many numbers differ by chance, at the most in 95 % of cases."""
        return _student(self.degrees) * self.value * math.sqrt(1 / num_spoken + 1 / num_others)


Spread: TypeAlias = Mapping[str, Deviation]
"""By score; one that was never measured with several seeds is missing."""


def spread_of(samples: Iterable[Scored]) -> dict[str, Deviation]:
    """Estimate the spread from all sentences that were spoken with several seeds, whichever checkpoint spoke them."""
    squares: dict[str, float] = defaultdict(float)
    degrees: dict[str, int] = defaultdict(int)
    for sample in samples:
        for score, sentences in sample.scores.items():
            for values in sentences.values():
                if len(values) == 1:
                    continue
                mean = fmean(values)
                squares[score] += sum((value - mean) ** 2 for value in values)
                degrees[score] += len(values) - 1
    return {score: Deviation(math.sqrt(squares[score] / n), n) for score, n in degrees.items()}


def difference(score: str, one: Scored, other: Scored, spread: Spread) -> Interval | None:
    """By how much `one` scores higher than `other` on the sentences of both, and what that may as well be.

    Where the noise of seeds is known the interval is of that; where not, it is the bootstrap's over the sentences.

    Returns:
        None where nothing can be said: they have no sentence in common, or one alone and the noise is not known.
    """
    ones, others = one.scores.get(score, {}), other.scores.get(score, {})
    common = [text for text in ones if text in others]
    if not common:
        return None
    differences = [fmean(ones[text]) - fmean(others[text]) for text in common]
    deviation = spread.get(score)
    if deviation is None:
        return bootstrap(differences)
    value = fmean(differences)
    margin = deviation.margin(sum(len(ones[text]) for text in common), sum(len(others[text]) for text in common))
    return Interval(value, value - margin, value + margin)


def is_better(score: str, one: Scored, other: Scored, spread: Spread) -> bool:
    """Whether `one` is better than `other` beyond the noise; the one place that decides it.

    Raises:
        KeyError: There is no such score.
    """
    interval = difference(score, one, other, spread)
    if interval is None:
        return False
    match SCORES[score].better:
        case "higher":
            return interval.low > 0
        case "lower":
            return interval.high < 0
        case _:
            return False


def _student(degrees: int) -> float:
    """What Student's t exceeds in 2.5 % of cases to either side.

    Source: Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.5; within 2 % from 3 degrees on.
    """
    z: float = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / degrees**power for power, term in enumerate(terms, 1))

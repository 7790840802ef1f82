"""How sure a mean over a few sentences is: bootstrap intervals.

Suffixes: K sentences, R resamplings of them.
Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7(1), 1979.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
NUM_RESAMPLES = 2000
"""Ends of a 95 % interval then move by about a twentieth of its width from one seed to another."""


class Interval(NamedTuple):
    """A number and what it may as well be."""

    value: float
    low: float
    high: float


def bootstrap(values: Sequence[float]) -> Interval | None:
    """Find the 95 % interval of the mean of `values`, one a sentence; None of fewer than two, which tell nothing.

    The sentences are drawn anew, with the same seed always: the same values have the same interval.
    """
    if len(values) < 2:
        return None
    values_K = np.asarray(values, dtype=np.float64)
    means_R = _weights_RK(len(values)) @ values_K
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(means_R, [tail, 100 - tail])
    return Interval(float(values_K.mean()), float(low), float(high))


@lru_cache(maxsize=8)
def _weights_RK(num_sentences: int) -> npt.NDArray[np.float64]:
    """How much each sentence weighs in each resampling."""
    uniform_K = np.full(num_sentences, 1 / num_sentences)
    return np.random.default_rng(0).multinomial(num_sentences, uniform_K, NUM_RESAMPLES) / num_sentences

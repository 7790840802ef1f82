"""How well one order agrees with another."""

import math
from collections.abc import Sequence
from itertools import combinations


def tau_b(one: Sequence[float], other: Sequence[float]) -> float:
    """Kendall's tau-b of two lists of numbers: 1 where they rise together, -1 where one falls, ties counted as such.

    NaN where all numbers of a list are equal: then there is no order.

    Source: M. G. Kendall, "The treatment of ties in ranking problems", Biometrika 33(3), 1945.
    """
    agreement = untied = other_untied = 0
    for (a, x), (b, y) in combinations(zip(one, other, strict=True), 2):
        first, second = (a > b) - (a < b), (x > y) - (x < y)
        agreement += first * second
        untied += first != 0
        other_untied += second != 0
    return agreement / math.sqrt(untied * other_untied) if untied and other_untied else math.nan

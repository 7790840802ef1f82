import math

import pytest
from bench.kendall import tau_b


@pytest.mark.parametrize(
    ("one", "other", "tau"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 40], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 8, 7], 26 / 28),  # one pair of 28 the other way
        ([1, 2, 3], [1, 1, 2], 2 / math.sqrt(3 * 2)),
        ([12, 2, 1, 12, 2], [1, 4, 7, 1, 0], -0.4714045207910316),  # the example of SciPy's documentation
    ],
)
def test_tau_counts_pairs_in_order_and_ties(one, other, tau):
    assert tau_b(one, other) == pytest.approx(tau)
    assert tau_b(other, one) == pytest.approx(tau)


def test_without_an_order_there_is_no_tau():
    assert math.isnan(tau_b([1, 2, 3], [5, 5, 5]))

import numpy as np
import pytest

from escuta.scoring.intervals import bootstrap


def test_an_interval_of_many_is_as_wide_as_the_normal_one():
    values = np.random.default_rng(1).normal(5.0, 2.0, 400)

    interval = bootstrap(list(values))

    half = 1.96 * values.std() / 20
    assert interval.value == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=0.02)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.02)


def test_it_covers_the_truth_about_as_often_as_it_says():
    draw = np.random.default_rng(2)

    hits = sum(i.low <= 0.0 <= i.high for i in (bootstrap(list(draw.normal(size=40))) for _ in range(400)))

    assert 0.91 <= hits / 400 <= 0.97


def test_the_same_values_have_the_same_interval_always():
    values = [0.1, 0.4, 0.2, 0.9]

    assert bootstrap(values) == bootstrap(values)
    assert bootstrap(values) != bootstrap([*values[:-1], 0.8])


def test_equal_values_leave_no_doubt_and_one_alone_leaves_all():
    assert bootstrap([0.5, 0.5, 0.5]) == pytest.approx((0.5, 0.5, 0.5))
    assert bootstrap([0.5]) is None
    assert bootstrap([]) is None


def test_an_interval_never_leaves_what_was_measured():
    assert bootstrap([0.0, 1.0]) == (0.5, 0.0, 1.0)

import itertools

import pytest

from escuta.settings import TrainingSettings
from escuta.training.schedule import learning_rate_at


def rates(total, **settings):
    training = TrainingSettings(learning_rate=1.0, **settings)
    return [learning_rate_at(step, training, total) for step in range(1, total + 1)]


def test_a_constant_rate_stays_after_the_warm_up():
    assert rates(6, warmup_steps=3) == [0.25, 0.5, 0.75, 1, 1, 1]
    assert rates(3) == [1, 1, 1]


def test_a_linear_rate_falls_by_the_same_each_step_and_would_reach_0_with_the_next():
    assert rates(6, warmup_steps=1, schedule="linear") == pytest.approx([0.5, 1, 0.8, 0.6, 0.4, 0.2])


def test_a_cosine_falls_slowly_then_fast_then_slowly():
    falling = rates(100, schedule="cosine")
    steps = [one - next_one for one, next_one in itertools.pairwise(falling)]

    assert falling[0] == 1
    assert falling[50] == pytest.approx(0.5)
    assert 0 < falling[-1] < 0.001
    assert all(step > 0 for step in steps)
    assert max(range(99), key=steps.__getitem__) in (49, 50)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_steps_beyond_the_planned_ones_keep_what_is_left(schedule):
    training = TrainingSettings(learning_rate=1.0, schedule=schedule)

    assert learning_rate_at(12, training, 10) == learning_rate_at(10, training, 10) > 0


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_a_training_that_is_all_warm_up_divides_by_nothing(schedule):
    assert all(0 < rate <= 1 for rate in rates(2, warmup_steps=5, schedule=schedule))

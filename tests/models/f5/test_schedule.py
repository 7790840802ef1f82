import pytest
import torch

from escuta.models.f5.schedule import moments


@pytest.mark.parametrize("num_steps", [1, 5, 6, 7, 8, 10, 12, 16, 32])
def test_a_schedule_goes_from_noise_to_speech_in_so_many_steps(num_steps):
    times_S = moments(num_steps)

    assert len(times_S) == num_steps + 1
    assert times_S[0] == 0
    assert float(times_S[-1]) == pytest.approx(1, abs=1e-6)
    assert (times_S.diff() > 0).all()


def test_most_steps_are_near_the_noise():
    assert moments(32)[16] < 0.3
    assert moments(16)[8] < moments(32)[16]


def test_a_pruned_schedule_is_a_part_of_the_whole():
    assert torch.isin(moments(7), moments(32)).all()

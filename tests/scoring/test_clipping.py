import numpy as np
import pytest

from escuta.scoring.clipping import clipped_share
from sounds import silence, tone


def test_a_sine_below_full_scale_is_not_clipped():
    assert clipped_share(tone(1, level=0.99)) == 0


def test_a_sine_of_twice_full_scale_is_clipped_for_two_thirds_of_the_time():
    wav_T = np.clip(tone(1, level=2.0), -1, 1)

    assert clipped_share(wav_T) == pytest.approx(2 / 3, abs=0.01)  # |2 sin| >= 1 from 30 to 150 degrees


def test_silence_is_not_clipped():
    assert clipped_share(silence(1)) == 0
    assert clipped_share(silence(0)) == 0

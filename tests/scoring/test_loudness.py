import numpy as np
import pytest

from escuta.scoring.loudness import loudness
from sounds import silence, tone

# The numbers are those of ITU-R BS.1770-5: a 997 Hz sine of full scale in one channel has -3.01 LUFS.


def test_a_full_sine_of_997_hertz_has_the_loudness_of_the_standard():
    assert loudness(tone(2, 48_000, hertz=997, level=1.0), 48_000) == pytest.approx(-3.01, abs=0.01)


def test_half_the_level_is_six_lower_at_any_rate():
    assert loudness(tone(2, 22_050, hertz=997, level=0.5), 22_050) == pytest.approx(-9.03, abs=0.02)


def test_bass_counts_less_and_treble_more():
    middle = loudness(tone(2, 48_000, hertz=997), 48_000)
    assert loudness(tone(2, 48_000, hertz=40), 48_000) < middle - 3
    assert loudness(tone(2, 48_000, hertz=8000), 48_000) == pytest.approx(middle + 3.3, abs=0.3)


def test_pauses_do_not_make_it_softer():
    voice_T = tone(3, 48_000, hertz=997)

    with_pause = loudness(np.concatenate([voice_T, silence(6, 48_000)]), 48_000)

    assert with_pause == pytest.approx(loudness(voice_T, 48_000), abs=0.3)


@pytest.mark.parametrize("wav_T", [silence(2, 48_000), tone(2, 48_000, level=1e-4), tone(0.3, 48_000)])
def test_silence_and_moments_have_none(wav_T):
    assert loudness(wav_T, 48_000) is None

import numpy as np
import pytest

from escuta.scoring.silence import silences
from sounds import SAMPLE_RATE, noise, silence, tone


def test_silence_before_within_and_after_is_measured():
    wav_T = np.concatenate([silence(0.5), tone(1), silence(0.3), tone(1), silence(0.8), tone(0.5), silence(0.2)])

    found = silences(wav_T, SAMPLE_RATE)

    assert found.leading == pytest.approx(0.5, abs=0.011)
    assert found.inner == pytest.approx(0.8, abs=0.011)
    assert found.trailing == pytest.approx(0.2, abs=0.011)


def test_sound_from_end_to_end_has_none():
    found = silences(tone(1), SAMPLE_RATE)

    assert (found.leading, found.inner, found.trailing) == (0, 0, 0)


def test_nothing_but_silence_is_all_before():
    found = silences(silence(2), SAMPLE_RATE)

    assert (found.leading, found.inner, found.trailing) == (2.0, 0, 0)
    assert not found.sounding_M.any()


def test_room_noise_far_below_the_voice_is_silence():
    room_T = noise(1, level=0.001)

    found = silences(np.concatenate([room_T, tone(2), room_T]), SAMPLE_RATE)

    assert found.leading == pytest.approx(1, abs=0.011)
    assert found.trailing == pytest.approx(1, abs=0.011)


def test_a_click_is_no_speech():
    wav_T = np.concatenate([silence(1), tone(0.005), silence(1), tone(1)])

    assert silences(wav_T, SAMPLE_RATE).leading == pytest.approx(2, abs=0.02)


def test_the_softest_voice_is_heard():
    wav_T = np.concatenate([silence(0.5), tone(1, level=0.01)])

    assert silences(wav_T, SAMPLE_RATE).leading == pytest.approx(0.5, abs=0.011)

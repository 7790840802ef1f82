import numpy as np
import pytest

from escuta.scoring.recording import Recording
from escuta.scoring.repetition import repeated_seconds
from sounds import noise, silence, tone

RATE = 16_000


@pytest.fixture(scope="module")
def speech_T(takes):
    return Recording.read(takes[20].audio).at_16k_T


def test_people_do_not_repeat_themselves(takes):
    assert [repeated_seconds(Recording.read(take.audio).at_16k_T) for take in takes[:12]] == [0.0] * 12


def test_a_syllable_that_loops_is_counted_for_as_long_as_it_does(speech_T):
    syllable_T = speech_T[8_000:12_800]
    loop_T = np.concatenate([syllable_T * gain for gain in (0.9, 1.1, 1.0, 0.8, 1.0)])
    wav_T = np.concatenate([speech_T, loop_T]).astype(np.float32) + noise(len(speech_T) / RATE + 1.5, RATE, level=0.001)

    assert repeated_seconds(wav_T) == pytest.approx(1.5, abs=0.5)


def test_a_sentence_said_twice_is_repeated_once(speech_T):
    wav_T = np.concatenate([speech_T, silence(0.4, RATE), speech_T])

    assert repeated_seconds(wav_T) == pytest.approx(len(speech_T) / RATE, rel=0.2)


def test_a_drone_after_the_last_word_is_counted(speech_T):
    wav_T = np.concatenate([speech_T, tone(2.0, RATE, level=0.2)])

    assert repeated_seconds(wav_T) == pytest.approx(1.8, abs=0.25)


def test_silence_repeats_nothing(speech_T):
    assert repeated_seconds(silence(3, RATE)) == 0
    assert repeated_seconds(np.concatenate([speech_T, silence(3, RATE)])) == 0


def test_a_moment_is_too_short_to_repeat_anything():
    assert repeated_seconds(tone(0.4, RATE)) == 0
    assert repeated_seconds(tone(0.01, RATE)) == 0

import pytest
import torch

from escuta.models.f5.pace import (
    EDGE_SECONDS,
    is_believed,
    is_loud,
    pauses,
    seconds_of,
    seconds_per_unit,
    spoken_seconds,
    units,
)
from sounds import silence, tone

RATE = 24_000


def recording(*parts):
    """Tones and silences in turn, of these seconds."""
    sounds = [(tone if place % 2 == 0 else silence)(seconds, RATE) for place, seconds in enumerate(parts)]
    return torch.cat([torch.from_numpy(one) for one in sounds])


def test_accents_take_no_longer_though_they_take_more_bytes():
    assert units("avo") == units("avô") == 3


def test_digits_syllables_and_pauses_take_longer_than_letters():
    assert units("a 7") > units("a b")
    assert units("你好") == 6
    assert units("a, b") > units("a b")
    assert units("a. b") > units("a, b")


def test_what_a_text_ends_with_takes_no_time():
    assert units("Olá!?... ") == units("Olá")


def test_a_stop_within_a_number_is_no_pause():
    assert units("2.000,5") == units("20005")


def test_the_same_text_takes_as_long_again():
    text = "Some call me nature, others call me mother nature."

    assert seconds_of(text, seconds_per_unit(5.0, text)) == pytest.approx(5.0)


def test_a_word_takes_longer_than_its_letters():
    assert seconds_of("Oi", 0.08) > EDGE_SECONDS + 2 * 0.08


def test_a_text_that_nobody_says_in_that_time_is_not_believed():
    assert is_believed(2.0, "a" * 30)
    assert not is_believed(2.0, "a" * 300)
    assert not is_believed(10.0, "abc")
    assert seconds_per_unit(2.0, "a" * 300) == 1 / 30


def test_silence_around_speech_and_hesitation_in_it_do_not_count():
    assert spoken_seconds(recording(0, 1, 2, 0.3, 1, 1), RATE) == pytest.approx(3.3, abs=0.03)
    assert spoken_seconds(recording(1, 2, 1), RATE) == pytest.approx(2.5, abs=0.03)
    assert spoken_seconds(torch.zeros(RATE), RATE) == 0


def test_pauses_are_between_what_is_loud():
    loud_S = is_loud(recording(0, 0.2, 0.5, 0.3, 0.5, 0.2), RATE)

    assert pauses(loud_S) == [(70, 100)]

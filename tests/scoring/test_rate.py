import pytest

from escuta.scoring.rate import UsualRate, speaking_rate


def test_characters_that_sound_are_counted_against_seconds_of_speech():
    assert speaking_rate("Ten letters.", "en", 2.0) == 5.0
    assert speaking_rate("10", "en", 1.0) == 3.0


def test_without_speech_there_is_no_rate():
    assert speaking_rate("Ten letters.", "en", 0.0) is None


def test_a_rate_is_measured_by_the_spread_of_the_clips():
    usual = UsualRate.of([10.0, 12.0, 14.0])

    assert (usual.mean, usual.deviation) == (12.0, 2.0)
    assert usual.distance(12.0) == 0
    assert usual.distance(8.0) == usual.distance(16.0) == 2.0


def test_clips_that_are_all_alike_leave_some_room():
    assert UsualRate.of([10.0] * 5).deviation == pytest.approx(0.5)


def test_two_clips_have_no_spread():
    assert UsualRate.of([10.0, 12.0]) is None

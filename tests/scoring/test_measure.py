import numpy as np
import pytest

from escuta.scoring.catalogue import SCORES
from escuta.scoring.instruments import Instruments
from escuta.scoring.measure import measure
from escuta.scoring.profile import Profile, profile_of
from escuta.scoring.recording import Recording
from sounds import silence, speechlike


@pytest.fixture(scope="module")
def profile(takes, instruments):
    return profile_of(takes[40:50], "en", instruments.voice_encoder)


def test_a_real_clip_scores_well_in_everything(takes, instruments, profile):
    take = takes[30]

    measured = measure(
        Recording.read(take.audio), take.text, "en", instruments=instruments, profile=profile, ended=True
    )

    scores = measured.scores
    assert scores.keys() == SCORES.keys()
    assert scores["character_error_rate"] <= 0.05
    assert scores["speaker_similarity"] > 0.9
    assert scores["naturalness"] > 4
    assert scores["ended"] == 1
    assert scores["repetition"] == scores["clipping"] == 0
    assert scores["speaking_rate_deviation"] < 3
    assert -30 < scores["loudness"] < -10
    assert 150 < scores["f0_median"] < 250
    for name, value in scores.items():
        low, high = SCORES[name].low, SCORES[name].high
        assert low is None or value >= low, name
        assert high is None or value <= high, name


def test_the_wrong_text_and_the_wrong_voice_are_noticed(takes, instruments, profile):
    recording = Recording(speechlike(5), 22_050)

    measured = measure(recording, takes[30].text, "en", instruments=instruments, profile=profile, ended=False)

    assert measured.scores["character_error_rate"] > 0.5
    assert measured.scores["speaker_similarity"] < 0.75
    assert measured.scores["naturalness"] < 3
    assert measured.scores["ended"] == 0


def test_another_sentence_of_the_same_voice_is_wrong_in_its_words_alone(takes, instruments, profile):
    measured = measure(
        Recording.read(takes[30].audio), takes[31].text, "en", instruments=instruments, profile=profile, ended=None
    )

    assert measured.scores["character_error_rate"] > 0.5
    assert measured.scores["speaker_similarity"] > 0.9
    assert "ended" not in measured.scores


def test_silence_has_only_what_silence_can_have(instruments, profile):
    measured = measure(Recording(silence(3), 22_050), "Good evening.", "en", instruments=instruments, profile=profile)

    assert measured.scores["leading_silence_seconds"] == 3
    voice = {"speaker_similarity", "naturalness", "speaking_rate", "loudness", "f0_median", "f0_range", "ended"}
    assert measured.scores.keys() & voice == set()


def test_without_instruments_the_rest_is_measured(takes):
    recording = Recording(np.tile(speechlike(2), 2), 22_050)

    measured = measure(recording, "Good evening.", "en", instruments=Instruments(), profile=Profile())

    assert measured.heard is None
    assert measured.scores.keys() == {
        "repetition",
        "speaking_rate",
        "leading_silence_seconds",
        "inner_silence_seconds",
        "trailing_silence_seconds",
        "clipping",
        "loudness",
    }

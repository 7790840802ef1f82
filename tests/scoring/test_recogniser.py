import pytest

from escuta.errors import BaseError, InstallError, LanguageError
from escuta.scoring.character_errors import character_error_rate
from escuta.scoring.recogniser import RELEASES, fetch_recogniser, find_recogniser
from escuta.scoring.recording import Recording
from sounds import noise


@pytest.fixture(scope="module")
def recogniser(instruments):
    return instruments.recogniser


def test_people_are_understood(recogniser, takes):
    for take in takes[30:33]:
        heard = recogniser.hear(Recording.read(take.audio).at_16k_T, "en")
        assert character_error_rate(take.text, heard, "en") <= 0.05, (take.text, heard)


def test_it_listens_in_the_language_it_is_told(recogniser, takes):
    wav_T = Recording.read(takes[30].audio).at_16k_T

    assert recogniser.hear(wav_T, "pt-br") != recogniser.hear(wav_T, "en")


def test_the_same_recording_is_always_heard_alike(recogniser):
    wav_T = noise(2, 16_000)

    assert recogniser.hear(wav_T, "en") == recogniser.hear(wav_T, "en")


def test_a_language_it_does_not_know_is_refused(recogniser):
    with pytest.raises(LanguageError, match=r"the recogniser does not know the language xx"):
        recogniser.code("xx")


def test_a_folder_is_taken_as_it_is(whisper):
    assert find_recogniser(str(whisper)) == fetch_recogniser(str(whisper)) == whisper


def test_a_size_that_is_not_here_says_how_to_get_it():
    with pytest.raises(InstallError, match=r"recogniser base is not here; get it with: escuta score --get"):
        find_recogniser("base")


def test_anything_else_is_refused():
    with pytest.raises(InstallError, match=r"scores.recogniser huge: neither one of tiny, base"):
        fetch_recogniser("huge")


def test_a_hub_that_cannot_be_reached_is_said_and_a_folder_asked_for():
    with pytest.raises(BaseError, match=r"or give scores.recogniser a folder that holds the files"):
        fetch_recogniser("tiny")


def test_every_size_has_a_model_and_its_tokens():
    for release in RELEASES.values():
        assert {"model.bin", "tokenizer.json", "config.json"} < set(release.files)

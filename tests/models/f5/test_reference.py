import pytest
import torch

from escuta.errors import AudioError, TextError
from escuta.models.f5.reference import LOUDNESS, heard, notes_on, prepare
from escuta.models.f5.vocabulary import Vocabulary
from sounds import silence, tone

RATE = 24_000
VOCABULARY = Vocabulary(" abcdefghijklmnopqrstuvwxyzAB.,")


def recording(*parts):
    """Tones and silences in turn, of these seconds."""
    sounds = [(tone if place % 2 == 0 else silence)(seconds, RATE) for place, seconds in enumerate(parts)]
    return torch.cat([torch.from_numpy(one) for one in sounds])


def test_a_recording_is_heard_without_the_silence_around_it():
    prepared = prepare(recording(0, 1, 2, 1), "a bc", RATE)

    assert len(prepared.wav_T) / RATE == pytest.approx(2.1, abs=0.03)
    assert (prepared.text, prepared.is_cut) == ("a bc. ", False)


@pytest.mark.parametrize(
    ("given", "ended"), [("a", "a. "), ("a,", "a. "), ("a!", "a! "), ("a. ", "a. "), (" a\n b", "a b. ")]
)
def test_its_text_ends_as_a_sentence_does(given, ended):
    assert prepare(recording(1), given, RATE).text == ended


def test_a_quiet_recording_becomes_louder_and_tells_how_much():
    quiet_T = 0.05 * recording(1)

    prepared = prepare(quiet_T, "abc", RATE)

    assert float(prepared.wav_T.square().mean().sqrt()) == pytest.approx(LOUDNESS, rel=0.05)
    assert prepared.gain > 1
    assert prepare(recording(1), "abc", RATE).gain == 1


def test_a_long_recording_is_cut_at_a_pause_with_its_words():
    text = "one two three four five. six seven eight nine ten."
    prepared = prepare(recording(8, 0.5, 8), text, RATE)

    assert len(prepared.wav_T) / RATE == pytest.approx(8.05, abs=0.05)
    assert (prepared.text, prepared.is_cut) == ("one two three four five. ", True)


def test_a_long_recording_without_a_pause_is_cut_after_a_word():
    prepared = prepare(recording(20), "aaaaa " * 10, RATE)

    assert len(prepared.wav_T) / RATE == pytest.approx(12.05, abs=0.05)
    assert prepared.text == "aaaaa aaaaa aaaaa aaaaa aaaaa aaaaa. "


def test_a_silent_recording_is_refused():
    for wav_T in (torch.zeros(RATE), 1e-5 * recording(1)):
        with pytest.raises(AudioError, match="reference: silent"):
            prepare(wav_T, "abc", RATE)


@pytest.mark.parametrize("text", [None, "", " ... "])
def test_a_recording_without_its_text_is_refused(text):
    with pytest.raises(TextError, match="Give --reference-text"):
        prepare(recording(1), text, RATE)


def test_what_was_done_to_a_recording_is_said():
    cut = heard(recording(8, 0.5, 8), "one two three four five. six seven eight nine ten. " * 5, VOCABULARY)
    whole = heard(recording(1), "abcdefghi", VOCABULARY)

    assert "lasts 16.5 s; its first 8.1 s, up to a pause" in " ".join(notes_on(cut))
    assert notes_on(whole) == []
    assert len(whole["text"]) == len("abcdefghi. ")
    assert whole["mel"].shape == (24_000 // 256 + 1, 100)


def test_a_text_that_does_not_fit_the_recording_is_doubted():
    assert "is it what the recording says?" in notes_on(heard(recording(1), "abc " * 50, VOCABULARY))[0]

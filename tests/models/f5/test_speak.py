import pytest
import torch

from escuta.models.f5.speak import CROSS_FADE_SECONDS, MAX_SECONDS, joined, piece_seconds, pieces, utterance
from escuta.models.f5.vocabulary import Vocabulary

RATE = 24_000
VOCABULARY = Vocabulary(" abcdefghijklmnopqrstuvwxyz.,")


def reference(pace=0.08, num_frames=470):
    return {"mel": torch.zeros(num_frames, 100), "text": torch.arange(5), "pace": torch.tensor(pace)}


def split(text, **about):
    return pieces(text, "en", piece_seconds(reference(**about)), reference(**about))


def test_a_short_text_stays_whole():
    assert split("A short  text.\n") == ["A short text."]


def test_a_long_text_becomes_pieces_of_like_length_that_fit_after_the_recording():
    text = "This is one of many sentences that follow one another. " * 10
    parts = split(text)

    assert " ".join(parts) == text.strip()
    assert len(parts) > 1
    assert max(map(len, parts)) < 3 * min(map(len, parts))
    for part in parts:
        assert utterance(VOCABULARY, part, reference(), 0).num_frames * 256 / RATE < MAX_SECONDS + 1


def test_a_slow_voice_gets_shorter_pieces():
    text = "one two three four five six seven eight nine ten. " * 4

    assert len(split(text, pace=0.16)) > len(split(text, pace=0.05))


def test_a_piece_is_as_long_as_the_voice_takes_for_it():
    short, long = (utterance(VOCABULARY, "abcde " * n, reference(), 0).num_frames - 470 for n in (4, 8))

    assert long - short == pytest.approx(20 * 0.08 * RATE / 256, abs=1)


def test_there_are_always_more_frames_than_letters():
    one = utterance(VOCABULARY, "abc" * 40, reference(pace=0.001, num_frames=3), 0)

    assert one.num_frames == len(one.text_N) + 1
    assert len(one.noise_MF) == one.num_frames


def test_pieces_fade_into_one_another():
    overlap = round(CROSS_FADE_SECONDS * RATE)
    whole_T = joined([torch.ones(RATE), torch.ones(RATE), -torch.ones(RATE)], RATE)

    assert len(whole_T) == 3 * RATE - 2 * overlap
    torch.testing.assert_close(whole_T[: 2 * RATE - 2 * overlap], torch.ones(2 * RATE - 2 * overlap))
    assert whole_T.diff().abs().max() < 0.001
    assert whole_T[-1] == -1


def test_pieces_shorter_than_the_fade_are_joined_too():
    assert len(joined([torch.ones(10), torch.ones(4)], RATE)) == 10

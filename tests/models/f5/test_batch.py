import torch

from escuta.models.f5.batch import collate
from escuta.models.f5.text_embedding import PADDING


def clip(num_frames, num_tokens=4):
    return {"text": torch.arange(num_tokens), "mel": torch.full((num_frames, 100), float(num_frames))}


def test_clips_are_padded_to_the_longest():
    batch = collate([clip(30), clip(20, num_tokens=2)], None)

    assert batch["mel"].shape == batch["noise"].shape == (2, 30, 100)
    assert not batch["mel"][1, 20:].any()
    assert batch["mel_lengths"].tolist() == [30, 20]
    assert batch["text"][1].tolist() == [0, 1, PADDING, PADDING]


def test_spans_are_most_of_a_clip_and_within_it():
    batch = collate([clip(100)] * 200, torch.Generator().manual_seed(0))
    starts, ends = batch["span"].T

    assert ((ends - starts) >= 70).all()
    assert (starts >= 0).all()
    assert (ends <= 100).all()
    assert starts.max() > 0


def test_what_guides_is_dropped_as_often_as_the_release_did():
    audio, text = collate([clip(5)] * 4000, torch.Generator().manual_seed(0))["drops"].float().mean(0)

    assert abs(audio - (0.2 + 0.8 * 0.3)) < 0.03
    assert abs(text - 0.2) < 0.03


def test_text_is_never_dropped_without_the_audio():
    audio, text = collate([clip(5)] * 500, torch.Generator().manual_seed(0))["drops"].T

    assert (audio | ~text).all()


def test_without_a_generator_a_clip_is_the_same_in_every_company_and_whole():
    alone, together = collate([clip(30)], None), collate([clip(20), clip(30)], None)

    for name in ("time", "span", "noise"):
        assert torch.equal(alone[name][0], together[name][1])
    assert not together["drops"].any()
    assert together["time"][0] != together["time"][1]

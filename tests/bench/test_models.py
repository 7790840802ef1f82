import torch
from bench.models import made_up_clip, sentences, speaker, trained_tensors, usual_precision

from escuta.models.base import Generation
from escuta.models.load import load_model
from escuta.models.xtts.weights import load_weights
from escuta.sampling.speaking import read_reference


def test_every_sentence_is_as_long_as_the_limit_whatever_is_said(models):
    for model in (speaker(models.base, 20), load_model(models.limited, uses=["speaking"])):
        model.pack(usual_precision())
        reference = read_reference(model, models.voice)
        said = model.speak_all(sentences(9)[7:], reference, language="en", generation=Generation(), seed=0)
        assert [(one.num_codes, one.stop) for one in said] == [(20, "limit")] * 2


def test_the_limited_model_differs_in_its_number_of_positions_alone(models):
    whole, limited = load_weights(models.base).tensors, load_weights(models.limited).tensors
    differing = [name for name in whole if whole[name].shape != limited[name].shape]
    assert differing == ["gpt.mel_pos_embedding.emb.weight"]
    assert all(torch.equal(limited[name], whole[name][: len(limited[name])]) for name in differing)


def test_what_is_there_is_not_made_again(models):
    before = [path.stat().st_mtime_ns for path in sorted(models.folder.glob("*/model.*"))]
    models.build(load_weights(models.base).config)
    assert [path.stat().st_mtime_ns for path in sorted(models.folder.glob("*/model.*"))] == before
    assert len(before) == 3


def test_trained_tensors_are_copies(models):
    trained_tensors(models.base)["gpt.mel_head.bias"].zero_()
    assert trained_tensors(models.base)["gpt.mel_head.bias"].any()


def test_a_made_up_clip_can_be_learned_from(models):
    model = load_model(models.base, uses=["training"])
    clip = made_up_clip(load_weights(models.base).config, seconds=2)
    assert torch.isfinite(model.trainable(model.collate([clip], None))["loss"])

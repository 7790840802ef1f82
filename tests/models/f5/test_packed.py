from dataclasses import replace

import pytest
import torch

from escuta.models.f5.dit import Dit
from escuta.models.f5.newborn import newborn_config
from escuta.models.f5.packed import PackedDit

CONFIG = newborn_config(20).dit
TIME = torch.tensor([0.3])
TEXT_N = torch.arange(8)


def drawn(num_frames, seed=0):
    return torch.randn(num_frames, 100, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=[None, 1], ids=["all heads turned", "one head turned"])
def dit(request):
    torch.manual_seed(0)
    made = Dit(replace(CONFIG, turned_heads=request.param, masks_text_padding=request.param is None))
    return made.requires_grad_(False).eval()


def flow(packed, mels, *, guides=True, moment=0.3):
    sentences = [packed.guided(0.5 * mel_MF, TEXT_N, guides=guides) for mel_MF in mels]
    return packed.flow(mels, sentences, packed.moments(torch.tensor([moment]))[0])


def test_exact_flows_are_those_of_the_module(dit):
    mel_MF = drawn(50)
    ours_PMF = flow(PackedDit(dit.config, "exact", dit.state_dict()), [mel_MF])[0]

    for passed, (heard_MF, dropped) in zip(ours_PMF, [(0.5 * mel_MF, False), (0 * mel_MF, True)], strict=True):
        text_BMT = dit.text_embed(TEXT_N[None], torch.tensor([50]), torch.tensor([dropped]))
        torch.testing.assert_close(
            passed, dit.flow(mel_MF[None], heard_MF[None], text_BMT, TIME)[0], rtol=1e-4, atol=1e-5
        )


def test_sentences_of_other_lengths_beside_it_change_nothing(dit):
    packed = PackedDit(dit.config, "exact", dit.state_dict())
    short, long = drawn(30), drawn(70, seed=1)

    torch.testing.assert_close(flow(packed, [long, short])[1], flow(packed, [short])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("precision", ["bf16", "int8"])
@pytest.mark.parametrize("multiplies_bf16", [True, False], ids=["bf16 processor", "other processor"])
def test_packed_flows_are_near_and_keep_the_weights_of_their_moment(dit, precision, multiplies_bf16, monkeypatch):
    monkeypatch.setattr("escuta.models.f5.packed.computes_bf16", lambda device: multiplies_bf16)
    exact = flow(PackedDit(dit.config, "exact", dit.state_dict()), [drawn(50)])[0]
    packed = PackedDit(dit.config, precision, dit.state_dict())
    near = flow(packed, [drawn(50)])[0]
    for tensor in dit.transformer_blocks.parameters():
        tensor.zero_()

    assert 0 < (near - exact).norm() / exact.norm() < 0.03
    assert torch.equal(flow(packed, [drawn(50)])[0], near)


def test_without_guidance_there_is_one_pass(dit):
    packed = PackedDit(dit.config, "exact", dit.state_dict())

    one = flow(packed, [drawn(20)], guides=False)[0]

    assert one.shape == (1, 20, 100)
    torch.testing.assert_close(one[0], flow(packed, [drawn(20)])[0][0], rtol=1e-4, atol=1e-5)


def test_blocks_that_pass_are_read_when_they_are_needed(dit):
    read = []

    class Reading(dict):
        def __getitem__(self, name):
            read.append(name)
            return super().__getitem__(name)

    passing = PackedDit(dit.config, "exact", Reading(dit.state_dict()), passing=True)
    name = "transformer_blocks.1.ff.ff.2.weight"
    assert name not in read
    told = []
    mel_MF = drawn(20)
    sentence, (moment,) = passing.guided(mel_MF, TEXT_N, guides=True), passing.moments(TIME)
    passing.flow([mel_MF], [sentence], moment, lambda: told.append(1))
    passing.flow([mel_MF], [sentence], moment)

    assert read.count(name) == 2
    assert len(told) == CONFIG.layers

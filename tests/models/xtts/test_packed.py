import pytest
import torch

from escuta.engine.faithfulness import TOLERANCE
from escuta.engine.tokens import TokenChoice
from escuta.models.xtts.batch import collate
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.loss import code_segment, cross_entropy
from escuta.models.xtts.packed import PackedGpt
from escuta.models.xtts.speak import Sentence, choose_codes
from tiny_xtts import TINY, drawn, tiny

TEXT_N = torch.tensor([5, 6, 7])
VOICE_LD = drawn(4, 32)


def clips():
    """Three clips whose codes count upwards, from where the text says."""
    return [
        {
            "text": torch.tensor([start % 30 + 4, 9]),
            "codes": (torch.arange(length) + start) % 64,
            "mel": drawn(80, 4 * length, seed=start),
        }
        for start, length in ((3, 12), (20, 9), (40, 14))
    ]


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(0)
    gpt, batch = Gpt(TINY), collate(clips(), None, TINY)
    optimizer = torch.optim.AdamW(gpt.parameters(), lr=3e-3)
    for _ in range(20):  # more would leave next to no loss to compare
        optimizer.zero_grad()
        gpt(batch)["loss"].backward()
        optimizer.step()
    return gpt.requires_grad_(False).eval()


def loss_of(gpt):
    batch = collate(clips(), None, TINY)
    voices_BLD = gpt.conditioning_of_each(batch["conditioning_mel"], batch["conditioning_lengths"])
    return lambda packed: float(packed.mel_loss(batch, voices_BLD))


@pytest.mark.parametrize("num_codes", [1, 7])
def test_step_by_step_is_the_learning_models_one_pass(num_codes):
    gpt = tiny(Gpt).requires_grad_(False)
    packed, codes_K = PackedGpt(gpt), torch.arange(num_codes)
    prompt_SD = packed.prompt(TEXT_N, VOICE_LD)
    cache = packed.new_cache([len(prompt_SD)], num_codes)
    steps = [packed.prefill([prompt_SD], cache)]
    steps += [packed.step([code], index, cache) for index, code in enumerate(codes_K[:-1].tolist())]
    expected_BKD = gpt.latents(TEXT_N[None], codes_K[None], VOICE_LD[None])
    torch.testing.assert_close(torch.cat(steps)[None], expected_BKD)
    torch.testing.assert_close(packed.next_logits(torch.cat(steps)), gpt.mel_head(expected_BKD)[0])


def test_exact_weights_are_the_models_own_as_it_learns():
    gpt = tiny(Gpt).requires_grad_(False)
    packed = PackedGpt(gpt)
    before = packed.stack.read(drawn(3, 32))
    gpt.gpt.h[0].mlp.c_fc.weight *= 2
    assert not torch.allclose(packed.stack.read(drawn(3, 32)), before)


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_packed_weights_stay_as_they_were(precision):
    gpt = tiny(Gpt).requires_grad_(False)
    packed = PackedGpt(gpt, precision)
    sentence = Sentence(TEXT_N, VOICE_LD, torch.empty(0))
    choice = TokenChoice(greedy=True)
    (before,) = choose_codes(packed, [sentence], choice, limit=5)
    for name, tensor in gpt.state_dict().items():
        if name.startswith(("gpt.", "mel_", "final_norm")) and "pos" not in name and name != "mel_embedding.weight":
            tensor.zero_()
    (after,) = choose_codes(packed, [sentence], choice, limit=5)
    assert torch.equal(after.hidden_KD, before.hidden_KD)


def test_tensors_may_come_from_elsewhere_and_each_is_read_once():
    gpt, read = tiny(Gpt).requires_grad_(False), []

    class File(dict):
        def __getitem__(self, name):
            read.append(name)
            return super().__getitem__(name)

    louder = File({name: 1.5 * tensor for name, tensor in gpt.state_dict().items()})
    packed = PackedGpt(gpt, "bf16", louder)
    assert len(read) <= len(set(read)) + 1  # one more, for its shape
    assert not torch.equal(packed.stack.norms[0].gain_D.float(), PackedGpt(gpt, "bf16").stack.norms[0].gain_D.float())


def test_the_loss_is_of_codes_predicted_from_the_true_ones(trained):
    batch = collate(clips()[:1], None, TINY)
    voice_BLD = trained.conditioning(batch["conditioning_mel"])
    segment = code_segment(batch["codes"], batch["code_lengths"], batch["ignored_codes"], TINY.gpt)
    following_BK = torch.cat([segment.inputs_BP[:, 1:], segment.targets_BP[:, -1:]], dim=1).clamp(min=0)
    logits_BPV = trained.mel_head(trained.latents(batch["text"], following_BK, voice_BLD))
    expected = cross_entropy(logits_BPV, segment.targets_BP)
    assert 0 < expected < 3
    torch.testing.assert_close(PackedGpt(trained).mel_loss(batch, voice_BLD), expected)


def test_clips_of_several_lengths_do_not_hear_each_others_padding(trained):
    together = collate(clips(), None, TINY)
    voices_BLD = trained.conditioning_of_each(together["conditioning_mel"], together["conditioning_lengths"])
    counts, losses = [], []
    for clip, voice_LD in zip(clips(), voices_BLD, strict=True):
        batch = collate([clip], None, TINY)
        segment = code_segment(batch["codes"], batch["code_lengths"], batch["ignored_codes"], TINY.gpt)
        counts.append(int((segment.targets_BP >= 0).sum()))
        losses.append(float(PackedGpt(trained).mel_loss(batch, voice_LD[None])))
    expected = sum(count * loss for count, loss in zip(counts, losses, strict=True)) / sum(counts)
    assert float(PackedGpt(trained).mel_loss(together, voices_BLD)) == pytest.approx(expected)


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_a_trained_model_is_packed_faithfully(trained, precision):
    loss = loss_of(trained)
    assert 0 < abs(loss(PackedGpt(trained, precision)) / loss(PackedGpt(trained)) - 1) <= TOLERANCE

import torch

from escuta.models.f5 import sampler
from escuta.models.f5.dit import Dit
from escuta.models.f5.newborn import newborn_config
from escuta.models.f5.packed import PackedDit
from escuta.models.f5.sampler import Utterance, drawn_noise, guide, sample

CONFIG = newborn_config(20).dit


def packed():
    torch.manual_seed(0)
    return PackedDit(CONFIG, "exact", Dit(CONFIG).requires_grad_(False).eval().state_dict())


def utterance(num_new=20, seed=0):
    heard_MF = torch.randn(15, 100, generator=torch.Generator().manual_seed(9))
    return Utterance(heard_MF, torch.arange(6), 15 + num_new, drawn_noise(15 + num_new, seed))


def test_the_recording_comes_first_as_it_is_and_what_is_new_after_it():
    one = utterance()
    (mel_MF,) = sample(packed(), [one], num_steps=3, guidance=2.0)

    assert mel_MF.shape == (35, 100)
    assert torch.equal(mel_MF[:15], one.heard_MF)
    assert mel_MF[15:].isfinite().all()


def test_a_seed_says_the_same_and_another_something_else():
    dit = packed()
    first, again, other = (sample(dit, [utterance(seed=seed)], num_steps=2, guidance=1.0)[0] for seed in (0, 0, 1))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_many_are_sampled_in_several_batches_in_their_order(monkeypatch):
    dit, some = packed(), [utterance(num_new) for num_new in (5, 10, 15)]
    alone = [sample(dit, [one], num_steps=2, guidance=2.0)[0] for one in some]
    monkeypatch.setattr(sampler, "MAX_CPU_FRAMES", 50)
    signs = []

    together = sample(dit, some, num_steps=2, guidance=2.0, progress=lambda: signs.append(1))

    assert len(signs) == 2 * 2
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_guidance_goes_beyond_what_is_likely():
    flow_PMF = torch.tensor([[[3.0]], [[1.0]]])

    assert guide(flow_PMF, 2.0).item() == 7
    assert guide(flow_PMF[:1], 2.0).item() == 3

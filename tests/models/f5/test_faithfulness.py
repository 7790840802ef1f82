import torch

from escuta.models.f5.batch import collate
from escuta.models.f5.dit import Dit
from escuta.models.f5.faithfulness import flow_difference
from escuta.models.f5.newborn import newborn_config
from escuta.models.f5.packed import PackedDit

CONFIG = newborn_config(20).dit
BATCH = collate(
    [
        {"text": torch.arange(6), "mel": torch.randn(40, 100, generator=torch.Generator().manual_seed(n))}
        for n in (0, 1)
    ],
    None,
)


def state():
    torch.manual_seed(0)
    return Dit(CONFIG).requires_grad_(False).eval().state_dict()


def test_the_same_weights_do_not_differ():
    exact = PackedDit(CONFIG, "exact", state())

    assert flow_difference(exact, exact, BATCH, 2.0) == 0


def test_rounding_differs_little_and_other_weights_much():
    exact = PackedDit(CONFIG, "exact", state(), passing=True)
    others = state()
    others["proj_out.weight"] = -others["proj_out.weight"]
    signs = []

    rounded = flow_difference(PackedDit(CONFIG, "bf16", state()), exact, BATCH, 2.0, lambda: signs.append(1))
    changed = flow_difference(PackedDit(CONFIG, "bf16", others), exact, BATCH, 2.0)

    assert 0 < rounded < 0.001 < 0.5 < changed
    assert len(signs) == 2 * 2 * CONFIG.layers

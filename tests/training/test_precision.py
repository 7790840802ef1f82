import torch
from torch import nn

from escuta.engine.linear import computes_bf16
from escuta.training.precision import HalfCopies, arithmetic_on

CPU = torch.device("cpu")


def module():
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 3), nn.LayerNorm(3))


def test_what_was_asked_for_is_taken():
    assert [arithmetic_on(CPU, asked) for asked in ("fp32", "tf32", "bf16")] == ["fp32", "tf32", "bf16"]


def test_auto_is_half_precision_where_the_device_multiplies_it():
    assert arithmetic_on(CPU, "auto") == ("bf16" if computes_bf16(CPU) else "fp32")


def test_matrices_that_are_multiplied_by_have_copies():
    model = module()

    assert list(HalfCopies(model).of) == [model[1].weight]


def test_copies_stand_in_for_the_weights_only_while_entered():
    model = module()
    weight, copies = model[1].weight, HalfCopies(model)

    with copies.computing():
        assert model[1].weight is copies.of[weight]
        assert model[1].weight.dtype == torch.bfloat16

    assert model[1].weight is weight
    assert weight.dtype == torch.float32


def test_copies_get_the_gradients():
    model = module()
    copies = HalfCopies(model)

    with copies.computing(), torch.autocast("cpu", torch.bfloat16):
        model(torch.tensor([[1, 2]])).float().square().sum().backward()

    (weight, copy), *_ = copies.of.items()
    assert weight.grad is None
    assert copy.grad.abs().sum() > 0
    assert model[0].weight.grad.abs().sum() > 0


def test_what_is_frozen_has_a_copy_without_gradient():
    model = module().requires_grad_(False)

    assert [copy.requires_grad for copy in HalfCopies(model).of.values()] == [False]

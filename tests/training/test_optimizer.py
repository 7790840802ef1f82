from importlib.util import find_spec

import pytest
import torch
from torch import nn

from escuta.errors import InstallError
from escuta.models.load import load_model
from escuta.settings import TrainingSettings
from escuta.training.optimizer import BETAS, AdamW, build_optimizer, has_decoder, parts_of, set_learning_rate, shorten

SETTINGS = TrainingSettings(learning_rate=3e-4, weight_decay=0.2)


def by_decay(module):
    """Names of the parameters by their weight decay."""
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    groups = build_optimizer(module, SETTINGS, {}).param_groups
    return {group["weight_decay"]: {names[id(parameter)] for parameter in group["params"]} for group in groups}


def test_matrices_decay_and_embeddings_norms_and_biases_do_not():
    module = nn.ModuleDict(
        {"linear": nn.Linear(2, 3), "conv": nn.Conv1d(2, 2, 3), "norm": nn.LayerNorm(3), "words": nn.Embedding(4, 2)}
    )

    assert by_decay(module) == {
        0.2: {"linear.weight", "conv.weight"},
        0.0: {"linear.bias", "conv.bias", "norm.weight", "norm.bias", "words.weight"},
    }


def test_every_parameter_of_the_model_is_in_one_group(quick_base):
    module = load_model(quick_base, uses=["training"]).trainable

    found = by_decay(module)

    assert found[0.2] | found[0.0] == {name for name, _parameter in module.named_parameters()}
    assert not found[0.2] & found[0.0]
    assert {"text_embedding.weight", "mel_pos_embedding.emb.weight", "final_norm.weight", "mel_head.bias"} <= found[0.0]
    assert {"text_head.weight", "gpt.h.0.attn.c_attn.weight", "conditioning_encoder.init.weight"} <= found[0.2]


def test_a_decoder_has_a_share_of_the_rate_and_decays_nowhere(quick_base):
    settings = SETTINGS.model_copy(update={"decoder_learning_rate": 3e-3})
    module = load_model(quick_base, uses=["training", "decoder_training"]).trainable

    optimizer = build_optimizer(module, settings, {})
    set_learning_rate(optimizer, 1e-5)

    *others, decoder = optimizer.param_groups
    assert {id(one) for one in decoder["params"]} == {id(one) for one in module.decoder.parameters()}
    assert decoder["weight_decay"] == 0
    assert decoder["lr"] == pytest.approx(1e-4)
    assert [group["lr"] for group in others] == [1e-5, 1e-5]
    assert has_decoder(optimizer.param_groups)
    assert not has_decoder(others)
    learning, apart = parts_of(module)
    assert sorted(map(id, [*learning, *apart])) == sorted(map(id, module.parameters()))
    assert {id(one) for one in apart} == {id(one) for one in decoder["params"]}


def test_what_is_frozen_is_left_out():
    module = nn.Linear(2, 3)
    module.weight.requires_grad_(False)

    assert by_decay(module) == {0.2: set(), 0.0: {"bias"}}


def test_the_rate_is_the_settings_own():
    optimizer = build_optimizer(nn.Linear(2, 3), SETTINGS, {})

    assert isinstance(optimizer, torch.optim.AdamW)
    assert {(group["lr"], group["betas"]) for group in optimizer.param_groups} == {(3e-4, BETAS)}


@pytest.mark.parametrize("moments", [torch.float32, torch.bfloat16])
def test_weights_with_copies_move_as_pytorchs_do(moments):
    torch.manual_seed(0)
    weights = [nn.Parameter(torch.randn(40, 30)) for _ in range(2)]
    weights[1].data.copy_(weights[0])
    copy = nn.Parameter(weights[0].detach().bfloat16())
    ours = AdamW([{"params": [weights[0]], "weight_decay": 0.1}], 1e-2, moments, {weights[0]: copy})
    theirs = torch.optim.AdamW([weights[1]], lr=1e-2, betas=BETAS, weight_decay=0.1)
    start = weights[0].detach().clone()

    for _ in range(5):
        copy.grad = torch.randn(40, 30).bfloat16()
        weights[1].grad = copy.grad.float()
        ours.step()
        theirs.step()

    limit = 1e-6 if moments == torch.float32 else 0.02 * (weights[1] - start).abs().max().item()
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=limit)
    assert torch.equal(copy, weights[0].bfloat16())
    assert ours.state[weights[0]]["exp_avg"].dtype == moments


def test_gradients_are_shortened_together_and_no_shorter():
    layer = nn.Linear(2, 2)
    layer.weight.grad, layer.bias.grad = torch.full((2, 2), 3.0), torch.full((2,), 0.0)

    assert shorten(layer.parameters(), 3.0) == pytest.approx(6)
    assert layer.weight.grad.norm() == pytest.approx(3)
    assert shorten(layer.parameters(), 5.0) == pytest.approx(3)
    assert layer.weight.grad.norm() == pytest.approx(3)


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is here")
def test_what_is_not_installed_is_named():
    settings = SETTINGS.model_copy(update={"optimizer": "adamw8bit"})

    with pytest.raises(InstallError, match=r'bitsandbytes is not installed. Install it: pip install "escuta\[8bit\]"'):
        build_optimizer(nn.Linear(2, 3), settings, {})

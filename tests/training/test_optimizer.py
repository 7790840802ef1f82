import torch
from torch import nn

from escuta.models.load import load_model
from escuta.settings import TrainingSettings
from escuta.training.optimizer import BETAS, build_optimizer

SETTINGS = TrainingSettings(learning_rate=3e-4, weight_decay=0.2)


def by_decay(module):
    """Names of the parameters by their weight decay."""
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    groups = build_optimizer(module, SETTINGS).param_groups
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


def test_what_is_frozen_is_left_out():
    module = nn.Linear(2, 3)
    module.weight.requires_grad_(False)

    assert by_decay(module) == {0.2: set(), 0.0: {"bias"}}


def test_the_rate_is_the_settings_own():
    optimizer = build_optimizer(nn.Linear(2, 3), SETTINGS)

    assert isinstance(optimizer, torch.optim.AdamW)
    assert {(group["lr"], group["betas"]) for group in optimizer.param_groups} == {(3e-4, BETAS)}

"""The optimizer, from settings."""

import torch
from torch import nn

from escuta.settings import TrainingSettings

BETAS = (0.9, 0.96)
"""Of AdamW, as XTTS was fine-tuned by its makers (coqui-tts 0.28.0, recipes/ljspeech/xtts_v2/train_gpt_xtts.py)."""


def build_optimizer(module: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """AdamW with weight decay on matrices alone: embeddings, norms and biases are not pulled to zero."""
    embeddings = {id(layer.weight) for layer in module.modules() if isinstance(layer, nn.Embedding)}
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for parameter in module.parameters():
        if parameter.requires_grad:
            (decayed if parameter.ndim > 1 and id(parameter) not in embeddings else kept).append(parameter)
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": kept, "weight_decay": 0.0}],
        lr=settings.learning_rate,
        betas=BETAS,
    )

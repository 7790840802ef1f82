"""Dropout that is fast on a CPU too, where PyTorch draws one number after another."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_VALUES = 1 << 16
"""Of the 16 random bits that decide over one element."""


class Dropout(nn.Dropout):
    """As PyTorch's; on a CPU the probability is rounded to 1/65536."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop elements with probability `p` while training."""
        return dropout(input, self.p if self.training else 0.0)


def dropout(x: Tensor, probability: float) -> Tensor:
    """Set elements to zero with `probability`, and scale up the rest so that the mean stays."""
    if not probability:
        return x
    if x.device.type != "cpu":
        return functional.dropout(x, probability)
    dropped: Tensor = _Dropped.apply(x, _drawn(x.shape, probability), 1 / (1 - probability))  # type: ignore[no-untyped-call]
    return dropped


class _Dropped(torch.autograd.Function):
    """Keeps one byte an element for the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return (x * kept).mul_(scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return (gradient * ctx.saved_tensors[0]).mul_(ctx.scale), None, None


def _drawn(shape: torch.Size, probability: float) -> Tensor:
    """Draw which elements are kept."""
    count = math.prod(shape)
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(torch.iinfo(torch.int64).min, None).view(torch.int16)
    return (bits[:count] >= round(probability * _VALUES) - _VALUES // 2).view(shape)

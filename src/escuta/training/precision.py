"""In which numbers a training computes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, TypeAlias

import torch
from torch import nn

from escuta.engine.linear import computes_bf16

Arithmetic: TypeAlias = Literal["fp32", "tf32", "bf16"]


def arithmetic_on(device: torch.device, asked: Literal["auto", "fp32", "tf32", "bf16"]) -> Arithmetic:
    """Choose for `auto`: bf16 where `device` multiplies it itself, else fp32."""
    if asked != "auto":
        return asked
    native = torch.cuda.is_bf16_supported(including_emulation=False) if device.type == "cuda" else computes_bf16(device)
    return "bf16" if native else "fp32"


class HalfCopies:
    """Copies in bfloat16 of the matrices that a module multiplies by; while they learn, they stand in their place.

    The module's own fp32 weights take every update, so small ones add up, and are what everybody else sees. Copies
    are rounded once a step, where autocast rounds in every micro step, and their gradients have 16 bits.

    Args:
        module: On its device; what is frozen gets copies without gradients.
    """

    def __init__(self, module: nn.Module) -> None:
        self._places = list(_multiplied(module))
        self._copies = {
            weight: nn.Parameter(weight.detach().bfloat16(), requires_grad=weight.requires_grad)
            for weight in self._weights()
        }

    @property
    def of(self) -> Mapping[nn.Parameter, nn.Parameter]:
        """The copy of each fp32 weight."""
        return self._copies

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Have the copies in place: enter for all that leads from a batch to its gradients."""
        weights = self._weights()
        for layer, weight in zip(self._places, weights, strict=True):
            layer.weight = self._copies[weight]
        try:
            yield
        finally:
            for layer, weight in zip(self._places, weights, strict=True):
                layer.weight = weight

    @torch.no_grad()
    def follow(self) -> None:
        """Make the copies of the weights of this moment."""
        for weight, copy in self._copies.items():
            copy.copy_(weight)

    def _weights(self) -> list[nn.Parameter]:
        return [layer.get_parameter("weight") for layer in self._places]

    def move(self, device: torch.device | str) -> None:
        """Bring the copies to another device."""
        for copy in self._copies.values():
            copy.data = copy.data.to(device)


def _multiplied(module: nn.Module) -> Iterator[nn.Module]:
    """Layers with a matrix that autocast would round; an embedding is looked up, not multiplied by."""
    for layer in module.modules():
        weight = layer._parameters.get("weight")
        if weight is not None and weight.ndim > 1 and not isinstance(layer, nn.Embedding):
            yield layer

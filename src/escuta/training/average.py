"""A mean of weights over the steps of training: it speaks and is exported where the last step's weights are too rough.

Source: Polyak averaging with an exponential window, whose length grows with the steps at first as in TensorFlow's
ExponentialMovingAverage: else what was there before training would stay in it for long.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


class WeightAverage:
    """The mean of what learns of a module.

    Args:
        module: On its device; the mean begins with its weights of this moment.
        decay: How much of the mean stays at each step, once there were enough of them.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._decay = decay
        self._weights = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
        self._mean = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self._updates = 0

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights of this moment in."""
        self._updates += 1
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        torch._foreach_lerp_(list(self._mean.values()), list(self._weights.values()), 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Have the mean where the module's weights are; tensors taken from it meanwhile are the mean's."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def move(self, device: torch.device | str) -> None:
        """Bring the mean to another device."""
        self._mean = {name: tensor.to(device) for name, tensor in self._mean.items()}

    def state(self) -> dict[str, Any]:
        """What `load` goes on from, besides the mean; no copies."""
        return {"updates": self._updates, "live": {name: weight.detach() for name, weight in self._weights.items()}}

    @torch.no_grad()
    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave; the module's weights of this moment are its mean."""
        self._updates = state["updates"]
        for name, weight in self._weights.items():
            self._mean[name].copy_(weight)
            weight.copy_(state["live"][name])

    def _swap(self) -> None:
        for name, weight in self._weights.items():
            weight.data, self._mean[name] = self._mean[name], weight.data

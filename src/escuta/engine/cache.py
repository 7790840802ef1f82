"""The keys and values of what a decoder has already read: allocated once, filled position by position.

Shapes: B batch, H heads, S positions, W head width.
"""

import torch
from torch import Tensor


class LayerCache:
    """One layer's keys and values."""

    def __init__(self, keys_BHSW: Tensor, values_BHSW: Tensor) -> None:
        self.keys_BHSW = keys_BHSW
        self.values_BHSW = values_BHSW
        self.length = 0

    def extend(self, keys_BHSW: Tensor, values_BHSW: Tensor) -> tuple[Tensor, Tensor]:
        """Append the newest positions and return all of them.

        Raises:
            ValueError: More positions than were allocated.
        """
        end = self.length + keys_BHSW.shape[2]
        if end > self.keys_BHSW.shape[2]:
            raise ValueError(f"{end} positions do not fit a cache of {self.keys_BHSW.shape[2]}")
        self.keys_BHSW[:, :, self.length : end] = keys_BHSW
        self.values_BHSW[:, :, self.length : end] = values_BHSW
        self.length = end
        return self.keys_BHSW[:, :, :end], self.values_BHSW[:, :, :end]


def empty_cache(num_layers: int, shape_BHSW: tuple[int, int, int, int], like: Tensor) -> list[LayerCache]:
    """Allocate the cache of a whole model, with the device and dtype of `like`."""

    def room() -> Tensor:
        return torch.empty(shape_BHSW, device=like.device, dtype=like.dtype)

    return [LayerCache(room(), room()) for _ in range(num_layers)]

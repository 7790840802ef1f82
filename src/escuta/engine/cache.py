"""The keys and values of what a decoder has already read: allocated once, filled position by position.

Prompts of several lengths are pushed to the right, so that all rows of a batch go on from one position:

    row 0   . . a b c | d e        the dots are never seen
    row 1   f g h i j | k l

Shapes: B batch, H heads, S positions, W head width; 2 is keys, then values.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

Step: TypeAlias = Callable[[Tensor, "Cache"], Tensor]
"""Reads one position of every row, [B, D], with a cache that has room for it; gives the hidden states, [B, D]."""


class Cache(Protocol):
    """What a decoder has read of several rows."""

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    @property
    def layers(self) -> Sequence[Tensor]:
        """Every layer's positions, [2, B, H, S, W]; those of the mask."""
        ...

    @property
    def mask_B11S(self) -> Tensor | None:
        """Added to the scores of the positions: -inf where a row has nothing. None where all have all."""
        ...

    def prompt(self, row: int) -> list[Tensor]:
        """Every layer's room for the prompt of one row, [2, 1, H, S, W]."""
        ...

    def advance(self, step: Step, x_BD: Tensor) -> Tensor:
        """Make room for one more position of every row and take the step.

        Raises:
            ValueError: More positions than were allocated.
        """
        ...

    def write(self, layer_2BHSW: Tensor, new_2BH1W: Tensor) -> None:
        """Put a layer's keys and values of the new position where they belong."""
        ...

    def keep(self, rows: Sequence[int]) -> None:
        """Let all rows but these go; `rows` ascend."""
        ...


class GrowingCache:
    """One tensor a layer, of which a step sees what is filled.

    Args:
        num_layers: Of the model.
        prompt_lengths: Of every row, in positions.
        num_new: Most positions that follow the prompts.
        shape_HW: Heads and their width.
        like: Whose device and type the cache has.
    """

    def __init__(
        self, num_layers: int, prompt_lengths: Sequence[int], num_new: int, shape_HW: tuple[int, int], like: Tensor
    ) -> None:
        self.length = max(prompt_lengths)
        self._starts = [self.length - length for length in prompt_lengths]
        num_heads, width = shape_HW
        shape_2BHSW = (2, len(prompt_lengths), num_heads, self.length + num_new, width)
        # Memory that is never written is never taken from the machine: a generous `num_new` costs nothing.
        self._layers_2BHSW = [like.new_empty(shape_2BHSW) for _ in range(num_layers)]
        self._mask_B11S = like.new_zeros(len(prompt_lengths), 1, 1, shape_2BHSW[3]) if any(self._starts) else None
        for row, start in enumerate(self._starts):
            if self._mask_B11S is not None:
                self._mask_B11S[row, ..., :start] = -torch.inf
            for layer_2BHSW in self._layers_2BHSW:
                layer_2BHSW[:, row, :, :start] = 0  # weighed by zero, but what lay in memory may be no number

    def __len__(self) -> int:
        """How many rows there are."""
        return self._layers_2BHSW[0].shape[1]

    def prompt(self, row: int) -> list[Tensor]:
        """Every layer's room for the prompt of one row, [2, 1, H, S, W]."""
        return [layer[:, row : row + 1, :, self._starts[row] : self.length] for layer in self._layers_2BHSW]

    @property
    def layers(self) -> list[Tensor]:
        """Every layer's positions so far, [2, B, H, S, W]."""
        return [layer.narrow(3, 0, self.length) for layer in self._layers_2BHSW]

    def advance(self, step: Step, x_BD: Tensor) -> Tensor:
        """Make room for one more position of every row and take the step.

        Raises:
            ValueError: More positions than were allocated.
        """
        self.length = next_length(self.length, self._layers_2BHSW[0].shape[3])
        return step(x_BD, self)

    def write(self, layer_2BHSW: Tensor, new_2BH1W: Tensor) -> None:
        """Put a layer's keys and values of the new position last."""
        layer_2BHSW.narrow(3, self.length - 1, 1).copy_(new_2BH1W)

    @property
    def mask_B11S(self) -> Tensor | None:
        """Added to the scores of the positions so far: -inf where a row has nothing. None where all have all."""
        return None if self._mask_B11S is None else self._mask_B11S[..., : self.length]

    def keep(self, rows: Sequence[int]) -> None:
        """Let all rows but these go; `rows` ascend."""
        for layer_2BHSW in self._layers_2BHSW:
            for new, old in enumerate(rows):
                if new != old:
                    layer_2BHSW[:, new, :, : self.length] = layer_2BHSW[:, old, :, : self.length]
        self._layers_2BHSW = [layer[:, : len(rows)] for layer in self._layers_2BHSW]
        if self._mask_B11S is not None:
            self._mask_B11S = self._mask_B11S[list(rows)]


def next_length(length: int, allocated: int) -> int:
    """Count one position more.

    Raises:
        ValueError: There is no room for it.
    """
    if length == allocated:
        raise ValueError(f"{allocated + 1} positions do not fit a cache of {allocated}")
    return length + 1

"""A stack of GPT-2's blocks made for decoding: packed linear layers, a cache, several sequences at once.

Shapes: B batch, S positions, D width, H heads, W head width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from escuta.engine.cache import Cache, GrowingCache
from escuta.engine.fixed_cache import FixedCache
from escuta.engine.linear import Linear


@dataclass(frozen=True, slots=True)
class Norm:
    """A layer norm."""

    gain_D: Tensor
    bias_D: Tensor
    epsilon: float

    def __call__(self, x: Tensor) -> Tensor:
        """Normalise the last dimension."""
        return torch.layer_norm(x, self.gain_D.shape, self.gain_D, self.bias_D, self.epsilon)


@dataclass(frozen=True, slots=True)
class Block:
    """Attention, then a feed-forward, each behind a norm and added to what came in."""

    attention_norm: Norm
    queries_keys_values: Linear
    attention_out: Linear
    feed_forward_norm: Norm
    widen: Linear
    narrow: Linear


@dataclass(frozen=True, slots=True)
class Stack:
    """Blocks, and the norms after the last one."""

    blocks: Sequence[Block]
    norms: Sequence[Norm]
    num_heads: int

    def new_cache(self, prompt_lengths: Sequence[int], num_new: int) -> Cache:
        """Allocate room for prompts of these lengths, and for `num_new` positions after each."""
        like = self.norms[0].gain_D
        kind = FixedCache if like.is_cuda else GrowingCache
        return kind(len(self.blocks), prompt_lengths, num_new, (self.num_heads, len(like) // self.num_heads), like)

    def prefill(self, prompts: Sequence[Tensor], cache: Cache) -> Tensor:
        """Read the prompts [S, D], one after another; return the hidden states after their last positions, [B, D]."""
        hidden = [self._begin(prompt_SD, cache.prompt(row))[-1:] for row, prompt_SD in enumerate(prompts)]
        return self._normed(torch.cat(hidden))

    def step(self, x_BD: Tensor, cache: Cache) -> Tensor:
        """Read one more position of every row; return the hidden states after it, [B, D]."""
        return cache.advance(self._step, x_BD)

    def read(self, x_SD: Tensor) -> Tensor:
        """Read one sequence at once; return the hidden states of all its positions, [S, D]."""
        return self._normed(self._begin(x_SD, self.new_cache([len(x_SD)], 0).prompt(0)))

    def _begin(self, x_SD: Tensor, layers: Sequence[Tensor]) -> Tensor:
        """Read one row's first positions, filling `layers` [2, 1, H, S, W]."""
        return self._read(x_SD[None], layers, None, Tensor.copy_)[0]

    def _step(self, x_BD: Tensor, cache: Cache) -> Tensor:
        return self._normed(self._read(x_BD[:, None], cache.layers, cache.mask_B11S, cache.write)[:, 0])

    def _read(
        self,
        x_BSD: Tensor,
        layers: Sequence[Tensor],
        mask_B11S: Tensor | None,
        write: Callable[[Tensor, Tensor], object],
    ) -> Tensor:
        """Read new positions, all that `layers` [2, B, H, S, W] hold or one more; `write` puts them there."""
        batch, num_new, width = x_BSD.shape
        shape = (batch, num_new, 3, self.num_heads, width // self.num_heads)
        for block, layer_2BHSW in zip(self.blocks, layers, strict=True):
            new_3BHSW = block.queries_keys_values(block.attention_norm(x_BSD)).view(shape).permute(2, 0, 3, 1, 4)
            write(layer_2BHSW, new_3BHSW[1:])
            heard_BHSW = functional.scaled_dot_product_attention(
                new_3BHSW[0], layer_2BHSW[0], layer_2BHSW[1], attn_mask=mask_B11S, is_causal=num_new > 1
            )
            x_BSD = x_BSD + block.attention_out(heard_BHSW.transpose(1, 2).reshape(x_BSD.shape))
            wide = functional.gelu(block.widen(block.feed_forward_norm(x_BSD)), approximate="tanh")
            x_BSD = x_BSD + block.narrow(wide)
        return x_BSD

    def _normed(self, x: Tensor) -> Tensor:
        for norm in self.norms:
            x = norm(x)
        return x

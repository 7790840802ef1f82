"""The causal transformer inside the language model: GPT-2's blocks, without its embeddings.

Weights lie as in the release, [in, out], under GPT-2's names.

Shapes: B batch, S positions, D width, H heads, W head width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from escuta.models.xtts.config import GptConfig


class Transformer(nn.Module):
    """Pre-norm blocks and a last norm."""

    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.drop = nn.Dropout(config.dropout)
        self.h = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.ln_f = nn.LayerNorm(config.width)

    def forward(self, x_BSD: Tensor, mask_B1SS: Tensor | None = None) -> Tensor:
        """Transform embeddings to hidden states, each position seeing only itself and earlier ones.

        Args:
            x_BSD: Embeddings, positions included.
            mask_B1SS: True where a position (second last) sees another (last); None is plainly causal.
        """
        x_BSD = self.drop(x_BSD)
        for block in self.h:
            x_BSD = block(x_BSD, mask_B1SS)
        normed_BSD: Tensor = self.ln_f(x_BSD)
        return normed_BSD


class Block(nn.Module):
    """Attention, then a feed-forward, each behind a norm and added to what came in."""

    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.width)
        self.attn = _Attention(config)
        self.ln_2 = nn.LayerNorm(config.width)
        self.mlp = _FeedForward(config)

    def forward(self, x_BSD: Tensor, mask_B1SS: Tensor | None = None) -> Tensor:
        """Transform hidden states, as `Transformer.forward` does."""
        x_BSD = x_BSD + self.attn(self.ln_1(x_BSD), mask_B1SS)
        out_BSD: Tensor = x_BSD + self.mlp(self.ln_2(x_BSD))
        return out_BSD


class _Attention(nn.Module):
    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.dropout = config.dropout
        self.c_attn = InOutLinear(config.width, 3 * config.width)
        self.c_proj = InOutLinear(config.width, config.width, layers=config.layers)
        self.resid_dropout = nn.Dropout(config.dropout)

    def forward(self, x_BSD: Tensor, mask_B1SS: Tensor | None) -> Tensor:
        query_BHSW, key_BHSW, value_BHSW = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.c_attn(x_BSD).chunk(3, dim=2)
        )
        heard_BHSW = functional.scaled_dot_product_attention(
            query_BHSW,
            key_BHSW,
            value_BHSW,
            attn_mask=mask_B1SS,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=mask_B1SS is None,
        )
        out_BSD: Tensor = self.resid_dropout(self.c_proj(heard_BHSW.transpose(1, 2).flatten(2)))
        return out_BSD


class _FeedForward(nn.Module):
    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.c_fc = InOutLinear(config.width, 4 * config.width)
        self.c_proj = InOutLinear(4 * config.width, config.width, layers=config.layers)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BSD: Tensor) -> Tensor:
        out_BSD: Tensor = self.dropout(self.c_proj(functional.gelu(self.c_fc(x_BSD), approximate="tanh")))
        return out_BSD


class InOutLinear(nn.Module):
    """A linear layer whose weight lies [in, out], as GPT-2's release has it.

    Args:
        num_in: Features in.
        num_out: Features out.
        layers: For a layer that adds to the residual stream, the model's depth: it starts smaller, as in GPT-2.
    """

    def __init__(self, num_in: int, num_out: int, layers: int | None = None) -> None:
        super().__init__()
        scale = 0.02 / (2 * layers) ** 0.5 if layers else 0.02
        self.weight = nn.Parameter(nn.init.normal_(torch.empty(num_in, num_out), std=scale))
        self.bias = nn.Parameter(torch.zeros(num_out))

    def forward(self, x: Tensor) -> Tensor:
        """Map the last dimension."""
        return functional.linear(x, self.weight.T, self.bias)

"""The causal transformer inside the language model: GPT-2's blocks, without its embeddings.

Weights lie as in the release, [in, out], under GPT-2's names.

Shapes: B batch, S positions, D width, H heads, W head width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from escuta.models.dropout import Dropout, dropout
from escuta.models.xtts.config import GptConfig


class Transformer(nn.Module):
    """Pre-norm blocks and a last norm."""

    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.recomputes = False
        """Whether a block's activations are computed once more on the way back, rather than kept."""
        self.drop = Dropout(config.dropout)
        self.h = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.ln_f = nn.LayerNorm(config.width)

    def forward(self, x_BSD: Tensor) -> Tensor:
        """Transform embeddings, positions included, to hidden states; each sees itself and earlier ones alone."""
        x_BSD = self.drop(x_BSD)
        for block in self.h:
            x_BSD = checkpoint(block, x_BSD, use_reentrant=False) if self.recomputes else block(x_BSD)
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

    def forward(self, x_BSD: Tensor) -> Tensor:
        """Transform hidden states, as `Transformer.forward` does."""
        x_BSD = x_BSD + self.attn(self.ln_1(x_BSD))
        out_BSD: Tensor = x_BSD + self.mlp(self.ln_2(x_BSD))
        return out_BSD


class _Attention(nn.Module):
    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.dropout = config.dropout
        self.c_attn = InOutLinear(config.width, 3 * config.width)
        self.c_proj = InOutLinear(config.width, config.width, layers=config.layers)
        self.resid_dropout = Dropout(config.dropout)

    def forward(self, x_BSD: Tensor) -> Tensor:
        query_BHSW, key_BHSW, value_BHSW = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.c_attn(x_BSD).chunk(3, dim=2)
        )
        drops = self.dropout if self.training else 0.0
        if self.training and x_BSD.device.type == "cpu":
            heard_BHSW = _learning_attention(query_BHSW, key_BHSW, value_BHSW, drops)
        else:
            heard_BHSW = functional.scaled_dot_product_attention(
                query_BHSW, key_BHSW, value_BHSW, dropout_p=drops, is_causal=True
            )
        out_BSD: Tensor = self.resid_dropout(self.c_proj(heard_BHSW.transpose(1, 2).flatten(2)))
        return out_BSD


def _learning_attention(query_BHSW: Tensor, key_BHSW: Tensor, value_BHSW: Tensor, drops: float) -> Tensor:
    """Attend causally on a CPU, to learn: PyTorch's fast kernel has no dropout, and a way back three times as long."""
    query, key, value = (part.flatten(0, 1) for part in (query_BHSW, key_BHSW, value_BHSW))
    later_SS = query.new_full((query.shape[1], key.shape[1]), -torch.inf).triu(1)
    weights = torch.baddbmm(later_SS, query, key.transpose(1, 2), alpha=query.shape[2] ** -0.5).softmax(2)
    return torch.bmm(dropout(weights, drops), value).view_as(query_BHSW)


class _FeedForward(nn.Module):
    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.c_fc = InOutLinear(config.width, 4 * config.width)
        self.c_proj = InOutLinear(4 * config.width, config.width, layers=config.layers)
        self.dropout = Dropout(config.dropout)

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

"""How the language model hears a reference: a mel spectrogram becomes a few latents, whatever its length.

Shapes: B batch, F mel bins, M mel frames, L latents, D width, H heads, W head width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from escuta.models.xtts.config import ConditioningConfig, XttsConfig


class ConditioningEncoder(nn.Module):
    """Self-attention over the frames of a mel spectrogram."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        width = config.gpt.width
        self.init = nn.Conv1d(config.num_mel_bins, width, 1)
        self.attn = nn.Sequential(
            *(_FrameAttention(width, config.gpt.heads) for _ in range(config.conditioning.blocks))
        )

    def forward(self, mel_BFM: Tensor) -> Tensor:
        """Encode each frame: [B, F, M] to [B, D, M]."""
        encoded_BDM: Tensor = self.attn(self.init(mel_BFM))
        return encoded_BDM


class _FrameAttention(nn.Module):
    """One block. Its residual is the normalised input, not the input: so was the release trained."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(_num_groups(width), width)
        self.qkv = nn.Conv1d(width, 3 * width, 1)
        self.proj_out = nn.Conv1d(width, width, 1)
        nn.init.zeros_(self.proj_out.weight)
        nn.init.zeros_(self.proj_out.bias)  # type: ignore[arg-type]

    def forward(self, x_BDM: Tensor) -> Tensor:
        normed_BDM = self.norm(x_BDM)
        # Channels are laid out head by head, and within a head as query, key, value.
        qkv_BHWM = self.qkv(normed_BDM).unflatten(1, (self.heads, -1))
        query, key, value = qkv_BHWM.transpose(2, 3).chunk(3, dim=3)
        heard_BHMW = functional.scaled_dot_product_attention(query, key, value)
        residual = self.proj_out(heard_BHMW.transpose(2, 3).flatten(1, 2))
        out_BDM: Tensor = normed_BDM + residual
        return out_BDM


def _num_groups(width: int) -> int:
    """How many groups a group norm over `width` channels has. Source: tortoise-tts arch_util.py."""
    groups = 8 if width <= 16 else 16 if width <= 64 else 32
    while width % groups:
        groups //= 2
    return groups


class PerceiverResampler(nn.Module):
    """Learned queries that read any number of frames into a fixed number of latents.

    Source: Flamingo (arXiv:2204.14198), in the form of naturalspeech2-pytorch.
    """

    def __init__(self, width: int, config: ConditioningConfig) -> None:
        super().__init__()
        self.latents = nn.Parameter(nn.init.normal_(torch.empty(config.num_latents, width), std=0.02))
        self.layers = nn.ModuleList(_PerceiverLayer(width, config) for _ in range(config.perceiver_layers))
        self.norm = _RootMeanSquareNorm(width)

    def forward(self, frames_BMD: Tensor) -> Tensor:
        """Read the frames: [B, M, D] to [B, L, D]."""
        latents_BLD = self.latents.expand(len(frames_BMD), -1, -1)
        for layer in self.layers:
            latents_BLD = layer(latents_BLD, frames_BMD)
        normed_BLD: Tensor = self.norm(latents_BLD)
        return normed_BLD


class _PerceiverLayer(nn.ModuleList):
    """Attention, then a feed-forward; the release names them 0 and 1."""

    def __init__(self, width: int, config: ConditioningConfig) -> None:
        inner = int(width * config.perceiver_widening * 2 / 3)  # two thirds, because the gate is a third matrix
        super().__init__(
            [
                _LatentAttention(width, config),
                nn.Sequential(nn.Linear(width, 2 * inner), _GatedGelu(), nn.Linear(inner, width)),
            ]
        )

    def forward(self, latents_BLD: Tensor, frames_BMD: Tensor) -> Tensor:
        latents_BLD = latents_BLD + self[0](latents_BLD, frames_BMD)
        out_BLD: Tensor = latents_BLD + self[1](latents_BLD)
        return out_BLD


class _LatentAttention(nn.Module):
    """The latents attend to themselves and to all frames."""

    def __init__(self, width: int, config: ConditioningConfig) -> None:
        super().__init__()
        self.heads = config.perceiver_heads
        inner = config.perceiver_heads * config.perceiver_head_width
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, width, bias=False)

    def forward(self, latents_BLD: Tensor, frames_BMD: Tensor) -> Tensor:
        key, value = self.to_kv(torch.cat([latents_BLD, frames_BMD], dim=1)).chunk(2, dim=-1)
        heard_BHLW = functional.scaled_dot_product_attention(
            self._by_head(self.to_q(latents_BLD)), self._by_head(key), self._by_head(value)
        )
        out_BLD: Tensor = self.to_out(heard_BHLW.transpose(1, 2).flatten(2))
        return out_BLD

    def _by_head(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class _GatedGelu(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        value, gate = x.chunk(2, dim=-1)
        return value * functional.gelu(gate)


class _RootMeanSquareNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        scale: Tensor = self.gamma * x.shape[-1] ** 0.5
        return functional.normalize(x, dim=-1) * scale

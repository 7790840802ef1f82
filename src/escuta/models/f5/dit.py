"""The network that tells where a mel spectrogram flows, as it learns.

Shapes: B batch, N text tokens, M mel frames, F mel bins, D width, H heads, W head width, T width of the text.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from escuta.models.base import Batch
from escuta.models.dropout import Dropout
from escuta.models.f5.config import HEAD_WIDTH, NUM_MEL_BINS, DitConfig
from escuta.models.f5.loss import flow_loss, num_targets, task
from escuta.models.f5.text_embedding import TextEmbedding

# Source of these: f5-tts 1.1.22, model/modules.py and x-transformers RotaryEmbedding.
TIME_WIDTH = 256
TIME_SCALE = 1000
TIME_BASE = 10000.0
ROTARY_BASE = 10000.0
PLACE_KERNEL_SIZE = 31
PLACE_GROUPS = 16
EPSILON = 1e-6
DROPOUT = 0.1


class Dit(nn.Module):
    """A diffusion transformer (arXiv:2212.09748). Its state has the release's names without their `transformer.`."""

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        self.config = config
        self.recomputes = False
        """Whether activations are computed once more on the way back, rather than kept."""
        self.time_embed = TimeEmbedding(config.width)
        self.text_embed = TextEmbedding(config)
        self.input_embed = _InputEmbedding(config)
        self.transformer_blocks = nn.ModuleList(DitBlock(config) for _ in range(config.layers))
        self.norm_out = _Modulation(config.width, 2)
        self.proj_out = nn.Linear(config.width, NUM_MEL_BINS)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the training loss of a batch.

        Args:
            batch: From `collate`; with `num_targets`, what the loss is divided by where this is a part of a larger one.
        """
        laid_out = task(batch)
        text_BMT = self.text_embed(batch["text"], batch["mel_lengths"], batch["drops"][:, 1])
        guessed_BMF = self.flow(laid_out.mel_BMF, laid_out.heard_BMF, text_BMT, batch["time"], laid_out.inside_BM)
        return {"loss": flow_loss(guessed_BMF, laid_out, batch.get("num_targets", num_targets(batch)).sum())}

    def flow(
        self,
        mel_BMF: Tensor,
        heard_BMF: Tensor,
        text_BMT: Tensor,
        time_B: Tensor,
        inside_BM: Tensor | None = None,
    ) -> Tensor:
        """Tell where `mel_BMF` flows, [B, M, F].

        Args:
            mel_BMF: Noise on its way to speech.
            heard_BMF: What is given of the speech; zero elsewhere.
            text_BMT: From `text_embed`.
            time_B: 0 is noise, 1 is speech.
            inside_BM: False past an item's end, where several lengths share a batch. Attention sees that padding
                nevertheless: so was the release trained.
        """
        time_BD = self.time_embed(time_B)
        x_BMD = self.input_embed(torch.cat([mel_BMF, heard_BMF, text_BMT], dim=-1), inside_BM)
        turns = rotation(x_BMD.shape[1], x_BMD.device)
        for block in self.transformer_blocks:
            if self.recomputes and self.training:
                x_BMD = checkpoint(block, x_BMD, time_BD, turns, inside_BM, use_reentrant=False)
            else:
                x_BMD = block(x_BMD, time_BD, turns, inside_BM)
        scale_B1D, shift_B1D = self.norm_out(time_BD)
        flow_BMF: Tensor = self.proj_out(modulated(x_BMD, shift_B1D, scale_B1D))
        return flow_BMF


class TimeEmbedding(nn.Module):
    """Sines and cosines of a time, and a small network after them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.time_mlp = nn.Sequential(nn.Linear(TIME_WIDTH, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, time_B: Tensor) -> Tensor:
        """Embed times from 0 to 1, [B, D]."""
        half = TIME_WIDTH // 2
        falling = torch.exp(torch.arange(half, device=time_B.device).float() * (-math.log(TIME_BASE) / (half - 1)))
        angles = TIME_SCALE * time_B[:, None].float() * falling
        time_BD: Tensor = self.time_mlp(torch.cat([angles.sin(), angles.cos()], dim=-1))
        return time_BD


class _InputEmbedding(nn.Module):
    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        self.proj = nn.Linear(2 * NUM_MEL_BINS + config.text_width, config.width)
        self.conv_pos_embed = PlaceEmbedding(config.width)

    def forward(self, x: Tensor, inside_BM: Tensor | None) -> Tensor:
        x_BMD = self.proj(x)
        out_BMD: Tensor = x_BMD + self.conv_pos_embed(x_BMD, inside_BM)
        return out_BMD


class PlaceEmbedding(nn.Module):
    """Tells a frame where it is by what is near: two wide convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1d = nn.Sequential(
            nn.Conv1d(width, width, PLACE_KERNEL_SIZE, padding=PLACE_KERNEL_SIZE // 2, groups=PLACE_GROUPS),
            nn.Mish(),
            nn.Conv1d(width, width, PLACE_KERNEL_SIZE, padding=PLACE_KERNEL_SIZE // 2, groups=PLACE_GROUPS),
            nn.Mish(),
        )

    def forward(self, x_BMD: Tensor, inside_BM: Tensor | None = None) -> Tensor:
        """Embed the places of frames, [B, M, D]; what is past an item's end is kept at zero."""
        x_BDM = _masked(x_BMD, inside_BM).transpose(1, 2)
        for layer in self.conv1d:
            x_BDM = layer(x_BDM)
            if inside_BM is not None and isinstance(layer, nn.Conv1d):
                x_BDM = x_BDM * inside_BM[:, None]
        return x_BDM.transpose(1, 2)


class DitBlock(nn.Module):
    """Attention, then a feed-forward, each shifted, scaled and gated by the time."""

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        self.attn_norm = _Modulation(config.width, 6)
        self.attn = _Attention(config)
        self.ff = _FeedForward(config)

    def forward(self, x_BMD: Tensor, time_BD: Tensor, turns: tuple[Tensor, Tensor], inside_BM: Tensor | None) -> Tensor:
        """Pass one block, [B, M, D] to [B, M, D]."""
        shift, scale, gate, ff_shift, ff_scale, ff_gate = self.attn_norm(time_BD)
        heard_BMD = self.attn(modulated(x_BMD, shift, scale), turns)
        x_BMD = torch.addcmul(x_BMD, gate, _masked(heard_BMD, inside_BM))
        return torch.addcmul(x_BMD, ff_gate, self.ff(modulated(x_BMD, ff_shift, ff_scale)))


class _Modulation(nn.Module):
    """What the time makes of a layer: `num_parts` vectors, [B, 1, D] each."""

    def __init__(self, width: int, num_parts: int) -> None:
        super().__init__()
        self.num_parts = num_parts
        self.linear = nn.Linear(width, num_parts * width)

    def forward(self, time_BD: Tensor) -> tuple[Tensor, ...]:
        return self.linear(functional.silu(time_BD))[:, None].chunk(self.num_parts, dim=-1)  # type: ignore[no-any-return]


class _Attention(nn.Module):
    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        inner = config.heads * HEAD_WIDTH
        self.heads = config.heads
        self.turned_heads = config.turned_heads
        self.to_q = nn.Linear(config.width, inner)
        self.to_k = nn.Linear(config.width, inner)
        self.to_v = nn.Linear(config.width, inner)
        self.to_out = nn.Sequential(nn.Linear(inner, config.width), Dropout(DROPOUT))

    def forward(self, x_BMD: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        query, key, value = (
            to(x_BMD).view(*x_BMD.shape[:2], self.heads, -1) for to in (self.to_q, self.to_k, self.to_v)
        )
        query, key = turned(query, turns, self.turned_heads), turned(key, turns, self.turned_heads)
        heard_BHMW = functional.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        )
        out_BMD: Tensor = self.to_out(heard_BHMW.transpose(1, 2).flatten(2))
        return out_BMD


class _FeedForward(nn.Module):
    """The release names its layers ff.0.0 and ff.2."""

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        wide = config.widening * config.width
        self.ff = nn.Sequential(
            nn.Sequential(nn.Linear(config.width, wide), nn.GELU(approximate="tanh")),
            Dropout(DROPOUT),
            nn.Linear(wide, config.width),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.ff(x)
        return out


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Normalise each frame, then scale and shift it."""
    return torch.addcmul(shift, functional.layer_norm(x, x.shape[-1:], eps=EPSILON), 1 + scale)


def rotation(num_frames: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines that each frame's queries and keys are turned by, [M, 1, W / 2] each."""
    frequencies = ROTARY_BASE ** -(torch.arange(0, HEAD_WIDTH, 2, device=device).float() / HEAD_WIDTH)
    angles = torch.outer(torch.arange(num_frames, device=device).float(), frequencies)[:, None]
    return angles.cos(), angles.sin()


def turned(x: Tensor, turns: tuple[Tensor, Tensor], heads: int | None) -> Tensor:
    """Turn queries or keys, [..., M, H, W], by the place of their frame: RoPE (arXiv:2104.09864) of neighbouring pairs.

    Args:
        x: Any number of dimensions before these.
        turns: From `rotation`.
        heads: The first ones that are turned; None turns all.
    """
    cosine, sine = turns
    if heads is not None:
        return torch.cat([turned(x[..., :heads, :], turns, None), x[..., heads:, :]], dim=-2)
    even, odd = x.view(*x.shape[:-1], -1, 2).unbind(-1)
    return torch.stack([even * cosine - odd * sine, odd * cosine + even * sine], dim=-1).flatten(-2).to(x.dtype)


def _masked(x_BMD: Tensor, inside_BM: Tensor | None) -> Tensor:
    return x_BMD if inside_BM is None else x_BMD * inside_BM[..., None]

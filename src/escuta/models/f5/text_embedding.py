"""Text as the network reads it: one vector a mel frame, the characters first and then nothing.

Shapes: B batch, N text tokens, M mel frames, D width of the text, W widened.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from escuta.models.f5.config import DitConfig

PADDING = -1
"""Stands after the last token of a text that is shorter than others of its batch."""

KERNEL_SIZE = 7
WIDENING = 2
EPSILON = 1e-6
POSITION_BASE = 10000.0
# Source of these: f5-tts 1.1.22, model/modules.py ConvNeXtV2Block, GRN and precompute_freqs_cis.


class TextEmbedding(nn.Module):
    """Characters, positions, and a few layers that look at neighbours."""

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        self.masks_padding = config.masks_text_padding
        self.text_embed = nn.Embedding(config.num_text_tokens + 1, config.text_width)
        self.text_blocks = nn.ModuleList(_Neighbours(config.text_width) for _ in range(config.text_layers))

    def forward(self, text_BN: Tensor, num_frames_B: Tensor, dropped_B: Tensor | None = None) -> Tensor:
        """Embed texts, [B, M, D] with as many frames as the longest item has.

        Args:
            text_BN: Token ids, then `PADDING`; what does not fit into the frames is left out.
            num_frames_B: Of each item; in frames past them the embedding is that of nothing.
            dropped_B: Items that are to be embedded as if they had no text.
        """
        longest = int(num_frames_B.max())
        # Row 0 of the table is for no text.
        ids_BM = functional.pad(text_BN[:, :longest] + 1, (0, longest - min(longest, text_BN.shape[1])))
        inside_BM = torch.arange(longest, device=text_BN.device) < num_frames_B[:, None]
        ids_BM = ids_BM.masked_fill(~inside_BM, 0)
        kept_BM1 = (ids_BM != 0)[..., None] if self.masks_padding else None
        if dropped_B is not None:
            ids_BM = ids_BM.masked_fill(dropped_B[:, None], 0)
        x_BMD: Tensor = self.text_embed(ids_BM) + positions(longest, self.text_embed.embedding_dim, text_BN.device)
        x_BMD = x_BMD * inside_BM[..., None]
        if kept_BM1 is not None:
            x_BMD = x_BMD * kept_BM1
        for block in self.text_blocks:
            x_BMD = block(x_BMD)
            if kept_BM1 is not None:
                x_BMD = x_BMD * kept_BM1
        return x_BMD


def positions(num_frames: int, width: int, device: torch.device) -> Tensor:
    """Cosines, then sines, of each frame's place, [M, D]."""
    frequencies = POSITION_BASE ** -(torch.arange(0, width, 2, device=device).float() / width)
    angles = torch.outer(torch.arange(num_frames, device=device).float(), frequencies)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class _Neighbours(nn.Module):
    """One ConvNeXt V2 block (arXiv:2301.00808) along the frames."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, KERNEL_SIZE, padding=KERNEL_SIZE // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.pwconv1 = nn.Linear(width, WIDENING * width)
        self.grn = _ResponseNorm(WIDENING * width)
        self.pwconv2 = nn.Linear(WIDENING * width, width)

    def forward(self, x_BMD: Tensor) -> Tensor:
        near_BMD = self.norm(self.dwconv(x_BMD.transpose(1, 2)).transpose(1, 2))
        out_BMD: Tensor = x_BMD + self.pwconv2(self.grn(functional.gelu(self.pwconv1(near_BMD))))
        return out_BMD


class _ResponseNorm(nn.Module):
    """Weighs each channel by its power over all frames, the padding's too: so was the release trained."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, width))
        self.beta = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, x_BMW: Tensor) -> Tensor:
        power_B1W = torch.linalg.vector_norm(x_BMW, dim=1, keepdim=True)
        share_B1W = power_B1W / (power_B1W.mean(-1, keepdim=True) + EPSILON)
        return torch.addcmul(x_BMW + self.beta, self.gamma * share_B1W, x_BMW)

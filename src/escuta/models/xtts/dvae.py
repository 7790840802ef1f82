"""Audio to codes: the encoder half of the discrete VAE, frozen, that the language model's targets come from.

The release's `dvae.pth` also holds a decoder and training statistics, which nothing here needs.

Shapes: B batch, F mel bins, M mel frames, K codes, D width, V codebook.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from escuta.models.xtts.config import XttsConfig


class Dvae(nn.Module):
    """Mel spectrograms to codes. Its state is a part of `dvae.pth`, under the same names."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        sizes = config.dvae
        widths = [config.num_mel_bins, *(sizes.width * 2**i for i in range(sizes.layers))]
        padding = (sizes.kernel_size - 1) // 2
        self.encoder = nn.Sequential(
            *(
                nn.Sequential(nn.Conv1d(narrow, wide, sizes.kernel_size, stride=2, padding=padding), nn.ReLU())
                for narrow, wide in pairwise(widths)
            ),
            *(_ResidualBlock(widths[-1]) for _ in range(sizes.resblocks)),
            nn.Conv1d(widths[-1], sizes.code_width, 1),
        )
        self.codebook = _Codebook(sizes.code_width, sizes.num_codes)

    @torch.no_grad()
    def codes(self, mel_BFM: Tensor) -> Tensor:
        """Encode: [B, F, M] to [B, K], with K a fourth of M, rounded up."""
        codes_BK: Tensor = self.codebook(self.encoder(mel_BFM).transpose(1, 2))
        return codes_BK


class _ResidualBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(width, width, 1),
        )

    def forward(self, x_BDM: Tensor) -> Tensor:
        out_BDM: Tensor = x_BDM + self.net(x_BDM)
        return out_BDM


class _Codebook(nn.Module):
    embed: Tensor

    def __init__(self, width: int, num_codes: int) -> None:
        super().__init__()
        self.register_buffer("embed", torch.randn(width, num_codes))

    def forward(self, x_BKD: Tensor) -> Tensor:
        """The nearest code of each vector. Its own length is the same for all codes and so left out."""
        nearness_BKV = 2 * x_BKD @ self.embed - self.embed.square().sum(0)
        return nearness_BKV.argmax(-1)

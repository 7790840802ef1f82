"""A voice as one vector: a residual network with squeeze-and-excitation and attentive statistics pooling, frozen.

Source: H/ASP of arXiv:2009.14153.

Shapes: B batch, F mel bins, M mel frames, C channels, E embedding.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from escuta.audio.mel import speaker_mel_buffers
from escuta.models.xtts.config import XttsConfig


class SpeakerEncoder(nn.Module):
    """Log-mel spectrograms to embeddings. Its state has the release's names without `hifigan_decoder.speaker_encoder.`.

    The release also keeps its spectrogram's window and filters as state: see `computed_buffers`.
    """

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        sizes = config.speaker_encoder
        widths = (sizes.filters[0], *sizes.filters)
        self.conv1 = nn.Conv2d(1, widths[0], 3, padding=1)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            nn.Sequential(
                _Block(widths[i], widths[i + 1], sizes.squeeze, stride=1 if i == 0 else 2),
                *(_Block(widths[i + 1], widths[i + 1], sizes.squeeze) for _ in range(num_blocks - 1)),
            )
            for i, num_blocks in enumerate(sizes.blocks)
        )
        pooled_width = widths[-1] * (sizes.num_mel_bins // 8)  # three of the four stages halve the mel bins
        self.attention = nn.Sequential(
            nn.Conv1d(pooled_width, sizes.attention_width, 1),
            nn.ReLU(),
            nn.BatchNorm1d(sizes.attention_width),
            nn.Conv1d(sizes.attention_width, pooled_width, 1),
            nn.Softmax(dim=2),
        )
        self.fc = nn.Linear(2 * pooled_width, sizes.embedding_width)

    def forward(self, log_mel_BFM: Tensor) -> Tensor:
        """Embed each voice: [B, F, M] to [B, E] of length 1."""
        x_BCFM = functional.instance_norm(log_mel_BFM).unsqueeze(1)
        x_BCFM = self.bn1(functional.relu(self.conv1(x_BCFM)))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x_BCFM = stage(x_BCFM)
        x_BCM = x_BCFM.flatten(1, 2)
        weights_BCM = self.attention(x_BCM)
        mean_BC = (x_BCM * weights_BCM).sum(2)
        variance_BC = (x_BCM.square() * weights_BCM).sum(2) - mean_BC.square()
        statistics_BC = torch.cat([mean_BC, variance_BC.clamp(min=1e-5).sqrt()], dim=1)
        return functional.normalize(self.fc(statistics_BC))


def computed_buffers() -> dict[str, Tensor]:
    """What a release keeps as the speaker encoder's state although it is computed, under the names it has there."""
    pre_emphasis, window, filters = speaker_mel_buffers()
    return {
        "torch_spec.0.filter": pre_emphasis,
        "torch_spec.1.spectrogram.window": window,
        "torch_spec.1.mel_scale.fb": filters,
    }


class _Block(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, width_in: int, width: int, squeeze: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.se = _SqueezeExcitation(width, squeeze)
        self.downsample = (
            nn.Sequential(nn.Conv2d(width_in, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width))
            if stride > 1 or width_in != width
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn1(functional.relu(self.conv1(x)))
        inner = self.se(self.bn2(self.conv2(inner)))
        return functional.relu(inner + (x if self.downsample is None else self.downsample(x)))


class _SqueezeExcitation(nn.Module):
    """Weighs the channels by what all of them hold on average."""

    def __init__(self, width: int, squeeze: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(width, width // squeeze), nn.ReLU(), nn.Linear(width // squeeze, width), nn.Sigmoid()
        )

    def forward(self, x_BCFM: Tensor) -> Tensor:
        weights_BC: Tensor = self.fc(x_BCFM.mean((2, 3)))
        return x_BCFM * weights_BC[:, :, None, None]

"""How two sounds differ, to the ear and to networks that learn to tell them apart.

Shapes: B batch, T wav frames, Q linear frequency bins, M frames.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from escuta.audio.mel import MelSpec, filters, window

SAMPLE_RATE = 24000
LOG_FLOOR = 1e-5
LEAK = 0.1
SPECS = tuple(
    MelSpec(SAMPLE_RATE, size, size // 4, size, num_bins, 12000, equal_area=False)
    for size, num_bins in ((2048, 100), (1024, 80), (512, 40), (256, 20))
)
PERIODS = (2, 3, 5, 7, 11)
WINDOWS = (1024, 512, 256)
PERIOD_CHANNELS = (8, 16, 32, 64)  # a quarter and less of HiFi-GAN's: on a CPU those cost seconds a step
WINDOW_CHANNELS = 16


def mel_difference(said_BT: Tensor, true_BT: Tensor) -> Tensor:
    """Mean difference of log-mel spectrograms, in nepers of power, over several resolutions."""
    differences = []
    for spec in SPECS:
        said, true = (
            (filters(spec).T @ power(wav_BT, spec.num_fft, window(spec))).clamp(min=LOG_FLOOR).log()
            for wav_BT in (said_BT, true_BT)
        )
        differences.append(functional.l1_loss(said, true))
    return torch.stack(differences).mean()


def power(wav_BT: Tensor, size: int, window_T: Tensor) -> Tensor:
    """Power of each frequency in frames that overlap by three quarters, [B, Q, M]: no root, whose gradient costs."""
    spectrum_BQM = torch.stft(wav_BT, size, size // 4, size, window_T, return_complex=True)
    return torch.view_as_real(spectrum_BQM).square().sum(-1)


class Discriminators(nn.Module):
    """Small networks that hear the wave folded by a period, or its spectrogram.

    Source: HiFi-GAN (arXiv:2010.05646) and UnivNet (arXiv:2106.07889).
    """

    def __init__(self) -> None:
        super().__init__()
        self.judges = nn.ModuleList(
            [*(_PeriodJudge(period) for period in PERIODS), *(_SpectrumJudge(size) for size in WINDOWS)]
        )

    def forward(self, wav_BT: Tensor, step: int) -> list[list[Tensor]]:
        """What every second network, in turns, makes of a sound, layer by layer; the last is its verdict."""
        return [judge(wav_BT) for judge in self.judges[step % 2 :: 2]]


class _Judge(nn.Module):
    layers: nn.ModuleList

    def _hear(self, x: Tensor) -> list[Tensor]:
        heard = []
        for layer in self.layers[:-1]:
            x = functional.leaky_relu(layer(x), LEAK)
            heard.append(x)
        heard.append(self.layers[-1](x))
        return heard


class _PeriodJudge(_Judge):
    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, *PERIOD_CHANNELS]
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(narrow, wide, (5, 1), (3, 1), padding=(2, 0))) for narrow, wide in pairwise(widths)
        )
        self.layers.append(weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0))))

    def forward(self, wav_BT: Tensor) -> list[Tensor]:
        whole = wav_BT.shape[1] // self.period * self.period
        return self._hear(wav_BT[:, :whole].unflatten(1, (-1, self.period))[:, None])


class _SpectrumJudge(_Judge):
    window: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        width = WINDOW_CHANNELS
        self.layers = nn.ModuleList(
            [
                weight_norm(nn.Conv2d(1, width, (7, 5), padding=(3, 2))),
                *(weight_norm(nn.Conv2d(width, width, (5, 3), (2, 1), padding=(2, 1))) for _ in range(3)),
                weight_norm(nn.Conv2d(width, 1, (3, 3), padding=(1, 1))),
            ]
        )

    def forward(self, wav_BT: Tensor) -> list[Tensor]:
        return self._hear((power(wav_BT.float(), self.size, self.window) + 1e-6).log()[:, None] / 2)


def telling_loss(true: list[list[Tensor]], said: list[list[Tensor]]) -> Tensor:
    """What the judges minimise: true sounds are 1, said ones 0."""
    pairs = zip(true, said, strict=True)
    return torch.stack(
        [(one[-1].float() - 1).square().mean() + other[-1].float().square().mean() for one, other in pairs]
    ).mean()


def fooling_losses(true: list[list[Tensor]], said: list[list[Tensor]]) -> tuple[Tensor, Tensor]:
    """What the decoder minimises: verdicts away from 1, and layers that tell the two apart."""
    fooling = torch.stack([(layers[-1].float() - 1).square().mean() for layers in said]).mean()
    matching = [
        (other - one.detach()).abs().mean(dtype=torch.float32)
        for true_layers, said_layers in zip(true, said, strict=True)
        for one, other in zip(true_layers[:-1], said_layers[:-1], strict=True)
    ]
    return fooling, torch.stack(matching).mean()

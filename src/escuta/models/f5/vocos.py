"""A mel spectrogram becomes sound: Vocos (arXiv:2306.00814), its last step as a matrix product.

The inverse Fourier transform of a frame is a product with a fixed matrix; so no FFT runs on an accelerator.

Shapes: B batch, F mel bins, M mel frames, Q linear frequency bins, P points of a frame, T wav frames, D width.
"""

from functools import cache
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from escuta.models.f5.config import NUM_MEL_BINS, VocosConfig

# Source of these: vocos 0.1.0, models.py, modules.py and heads.py.
KERNEL_SIZE = 7
EPSILON = 1e-6
MAX_MAGNITUDE = 100.0
SMALLEST_WEIGHT = 1e-11
"""Of the windows that overlap in a point; less is nothing to divide by."""


class Vocos(nn.Module):
    """The vocoder. Its state has the release's names."""

    def __init__(self, config: VocosConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = _Backbone(config)
        self.head = _Head(config)

    def forward(self, mel_BFM: Tensor) -> Tensor:
        """Turn log-mels [B, F, M] into audio, [B, T]; T is (M - 1) hops where frames are centred, else M."""
        log_magnitude_BMQ, phase_BMQ = self.head.out(self.backbone(mel_BFM)).chunk(2, dim=-1)
        magnitude_BMQ = log_magnitude_BMQ.exp().clamp(max=MAX_MAGNITUDE)
        spectrum_BM2Q = torch.cat([magnitude_BMQ * phase_BMQ.cos(), magnitude_BMQ * phase_BMQ.sin()], dim=-1)
        frames_BMP = spectrum_BM2Q @ _waves(self.config.num_fft).to(spectrum_BM2Q)
        return self._overlapped(frames_BMP)

    def _overlapped(self, frames_BMP: Tensor) -> Tensor:
        num_fft, hop = self.config.num_fft, self.config.hop
        window_P = torch.hann_window(num_fft, device=frames_BMP.device, dtype=frames_BMP.dtype)
        # One more row: what the windows themselves add up to.
        weights_1MP = window_P.square().expand(1, *frames_BMP.shape[1:])
        added_BT = _added(torch.cat([frames_BMP * window_P, weights_1MP]), hop)
        margin = num_fft // 2 if self.config.centred else (num_fft - hop) // 2
        wav_BT, weight_T = added_BT[:-1, margin:-margin], added_BT[-1, margin:-margin]
        return wav_BT / weight_T.clamp(min=SMALLEST_WEIGHT)


class _Backbone(nn.Module):
    def __init__(self, config: VocosConfig) -> None:
        super().__init__()
        self.embed = nn.Conv1d(NUM_MEL_BINS, config.width, KERNEL_SIZE, padding=KERNEL_SIZE // 2)
        self.norm = nn.LayerNorm(config.width, eps=EPSILON)
        self.convnext = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.final_layer_norm = nn.LayerNorm(config.width, eps=EPSILON)

    def forward(self, mel_BFM: Tensor) -> Tensor:
        x_BMD = self.norm(self.embed(mel_BFM).transpose(1, 2))
        for layer in self.convnext:
            x_BMD = layer(x_BMD)
        out_BMD: Tensor = self.final_layer_norm(x_BMD)
        return out_BMD


class _Layer(nn.Module):
    """One ConvNeXt block (arXiv:2201.03545) along the frames."""

    def __init__(self, config: VocosConfig) -> None:
        super().__init__()
        width = config.width
        self.dwconv = nn.Conv1d(width, width, KERNEL_SIZE, padding=KERNEL_SIZE // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.pwconv1 = nn.Linear(width, config.widened)
        self.pwconv2 = nn.Linear(config.widened, width)
        self.gamma = nn.Parameter(torch.full((width,), 1 / config.layers))

    def forward(self, x_BMD: Tensor) -> Tensor:
        near_BMD = self.norm(self.dwconv(x_BMD.transpose(1, 2)).transpose(1, 2))
        return torch.addcmul(x_BMD, self.gamma, self.pwconv2(functional.gelu(self.pwconv1(near_BMD))))


class _Head(nn.Module):
    def __init__(self, config: VocosConfig) -> None:
        super().__init__()
        self.out = nn.Linear(config.width, config.num_fft + 2)


@cache
def _waves(num_fft: int) -> Tensor:
    """What real and imaginary part of each frequency add to a frame, [2 Q, P]."""
    frequency_Q1 = torch.arange(num_fft // 2 + 1, dtype=torch.float64)[:, None]
    angle_QP = 2 * torch.pi / num_fft * ((frequency_Q1 * torch.arange(num_fft)) % num_fft)
    counted_Q1 = torch.full_like(frequency_Q1, 2)  # but for the ends, a negative frequency mirrors each
    counted_Q1[[0, -1]] = 1
    return (torch.cat([counted_Q1 * angle_QP.cos(), -counted_Q1 * angle_QP.sin()]) / num_fft).float()


def _added(frames_BMP: Tensor, hop: int) -> Tensor:
    """Lay frames over one another, each `hop` points after the one before, and add them up."""
    batch, num_frames, num_points = frames_BMP.shape
    added_BT = frames_BMP.new_zeros(batch, (num_frames - 1) * hop + num_points)
    for start, end in pairwise([*range(0, num_points, hop), num_points]):
        part_BT = functional.pad(frames_BMP[..., start:end], (0, hop - (end - start))).flatten(1)
        room = added_BT[:, start : start + num_frames * hop]
        room += part_BT[:, : room.shape[1]]
    return added_BT

"""Naturalness: the mean opinion that listeners would have of how natural speech sounds, 1 to 5, higher is better.

Predicted by DistillMOS: a convolutional network over a compressed spectrum and a transformer over what it finds. Clips
of two seconds come out lower than long ones; compare like with like.

Source: arXiv:2502.05356; layers and weights of the package `distillmos` 0.9.1, variant 7.

Shapes: T wav frames, P pieces, R real and imaginary, Q frequency bins, M frames, D width.
"""

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from escuta.audio.files import Wav

PIECE_POINTS = 122_880
"""7.68 s at 16 kHz: all that the network ever hears at once."""
MAX_STEP_POINTS = 16_000
WINDOW, HOP = 320, 160
COMPRESSION = 0.3
CHANNELS = (64, 64, 128, 256, 256, 256)
NUM_FEATURES = 1024  # 256 channels of the 4 bins that are left
WIDTH, NUM_HEADS, NUM_LAYERS = 200, 8, 7
SLOPE = 0.1


class NaturalnessJudge(nn.Module):
    """Predicts opinions.

    Args:
        weights: The file of DistillMOS' weights.
    """

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.cnn = nn.Sequential()
        for number, (before, channels) in enumerate(zip((2, *CHANNELS), CHANNELS, strict=False)):
            stride = (2 if number else 1, 2 if number == len(CHANNELS) - 1 else 1)
            self.cnn.append(nn.Conv2d(before, channels, 3, stride, padding=(0, 1)))
            self.cnn.append(nn.LeakyReLU(SLOPE))
        self.norm_input = nn.BatchNorm1d(NUM_FEATURES)
        self.norm = nn.BatchNorm1d(NUM_FEATURES)
        self.project = nn.Linear(NUM_FEATURES, WIDTH)
        self.register_buffer("position", torch.zeros(1, PIECE_POINTS // HOP // 2, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, NUM_HEADS, 2 * WIDTH, batch_first=True)
        self.transformer = nn.TransformerEncoder(layer, NUM_LAYERS, enable_nested_tensor=False)
        self.norm_output = nn.BatchNorm1d(WIDTH)
        self.attention = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, 1))
        self.opinion = nn.Linear(WIDTH, 1)
        state = torch.load(weights, map_location="cpu", weights_only=True)["model"]
        self.load_state_dict({_own_name(name): tensor for name, tensor in state.items()})
        self.requires_grad_(False)
        self.eval()

    def forward(self, wav_PT: Tensor) -> Tensor:
        """Opinion of each piece, [P], 0 to 1."""
        features_PDM = self.cnn(compressed_spectrum(wav_PT)).flatten(1, 2)
        features_PDM = self.norm(self.norm_input(features_PDM))
        heard_PMD = self.transformer(self.project(features_PDM.transpose(1, 2)) + self.position)
        heard_PMD = self.norm_output(heard_PMD.transpose(1, 2)).transpose(1, 2)
        weight_PM1 = self.attention(heard_PMD).softmax(dim=1)
        return torch.sigmoid(self.opinion((weight_PM1 * heard_PMD).sum(dim=1)))[:, 0]

    def judge(self, wav_T: Wav) -> float:
        """Opinion of a recording, 1 to 5.

        Args:
            wav_T: Audio at 16 000 Hz.
        """
        wav_PT = _pieces(torch.from_numpy(wav_T))
        wav_PT = wav_PT / (wav_PT.abs().amax(dim=1, keepdim=True) + 1e-8)
        with torch.inference_mode():
            opinions = [float(self(piece_T[None])) for piece_T in wav_PT]  # one by one: each takes 150 MB
        return 1 + 4 * sum(opinions) / len(opinions)


def compressed_spectrum(wav_PT: Tensor) -> Tensor:
    """Spectrum whose magnitudes are raised to the power of 0.3, [P, R, Q, M].

    As a product with sines and cosines: for windows this short it takes no longer than an FFT.
    """
    edge = (WINDOW - HOP) // 2
    frames_PMW = nn.functional.pad(wav_PT, (edge, edge), mode="reflect").unfold(1, WINDOW, HOP)
    points_W = torch.arange(WINDOW)
    angles_WQ = 2 * math.pi / WINDOW * (points_W[:, None] * torch.arange(WINDOW // 2 + 1) % WINDOW)
    waves_RWQ = torch.stack([angles_WQ.cos(), -angles_WQ.sin()]) * torch.hann_window(WINDOW)[:, None]
    spectrum_PRMQ = frames_PMW[:, None] @ waves_RWQ
    magnitude_P1MQ = spectrum_PRMQ.square().sum(dim=1, keepdim=True).sqrt().clamp(min=1e-12)
    return (spectrum_PRMQ * magnitude_P1MQ ** (COMPRESSION - 1)).transpose(2, 3)


def _pieces(wav_T: Tensor) -> Tensor:
    """Pieces that overlap and cover the recording, or the recording and silence after it, [P, T]."""
    rest = len(wav_T) - PIECE_POINTS
    if rest <= 0:
        return nn.functional.pad(wav_T, (0, -rest))[None]
    num_steps = math.ceil(rest / MAX_STEP_POINTS)
    starts = [step * rest // num_steps for step in range(num_steps + 1)]
    return torch.stack([wav_T[start : start + PIECE_POINTS] for start in starts])


def _own_name(name: str) -> str:
    """What a tensor of the package's file is called here."""
    name = name.removeprefix("transformer_pool_attn.").removeprefix("transformer.")
    for theirs, ours in (
        ("cnn.cnn.", "cnn."),
        ("position_encoding.pe", "position"),
        ("linear_proj.", "project."),
        ("transformer_encoder.", "transformer."),
        ("norm_trans.", "norm_output."),
        ("pool.linear1.", "attention.0."),
        ("pool.linear2.", "attention.2."),
        ("pool.linear3.", "opinion."),
    ):
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name

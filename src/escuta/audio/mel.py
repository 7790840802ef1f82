"""The mel spectrograms: the only FFTs of escuta, and on the CPU alone.

None depends on a weight that trains, so each is computed once and kept. An FFT on a GPU that training has filled is
what cuFFT fails on.

Shapes: B batch, T wav frames, F mel bins, M mel frames, Q linear frequency bins.
"""

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class MelSpec:
    """One kind of mel spectrogram, its frames centred on every `hop`-th point."""

    sample_rate: int
    num_fft: int
    hop: int
    window: int
    num_bins: int
    max_hertz: float
    hamming: bool = False
    """Whether the window is a Hamming window; else Hann."""
    equal_area: bool = True
    """Whether each filter is divided by its width in Hz (the "slaney" norm)."""
    slaney_scale: bool = False
    """Whether bins are spaced by Slaney's mel scale; else by HTK's."""
    power: int = 2
    """Of the magnitudes that are gathered: 2, or 1 for the magnitudes themselves."""


# Source: coqui-tts 0.28.0, tts/models/xtts.py get_gpt_cond_latents, tts/layers/xtts/dvae.py dvae_wav_to_mel and
# encoder/models/base_encoder.py. The mel scale is HTK's in all three.
CONDITIONING = MelSpec(sample_rate=22050, num_fft=2048, hop=256, window=1024, num_bins=80, max_hertz=8000)
DVAE = MelSpec(sample_rate=22050, num_fft=1024, hop=256, window=1024, num_bins=80, max_hertz=8000)
SPEAKER = MelSpec(
    sample_rate=16000, num_fft=512, hop=160, window=400, num_bins=64, max_hertz=8000, hamming=True, equal_area=False
)
# Source: f5-tts 1.1.22, model/modules.py get_vocos_mel_spectrogram; HTK's scale too. Of magnitudes, not powers.
VOCOS = MelSpec(
    sample_rate=24000, num_fft=1024, hop=256, window=1024, num_bins=100, max_hertz=12000, equal_area=False, power=1
)
LOG_FLOOR = 1e-5  # smallest value before the logarithm, of all but the speaker's spectrogram
SPEAKER_LOG_OFFSET = 1e-6  # added to the power instead, at 16 kHz
PRE_EMPHASIS = 0.97  # share of the previous point that the speaker encoder's front end takes away


def conditioning_mel(wav_BT: Tensor, mel_stats_F: Tensor) -> Tensor:
    """Log-mel that the language model hears a reference as, [B, F, M].

    Args:
        wav_BT: Audio at 22 050 Hz, on the CPU.
        mel_stats_F: The release's divisor of each bin.

    Raises:
        ValueError: The audio is not on the CPU, not [B, T], or too short for one frame.
    """
    return _log_mel(wav_BT, CONDITIONING) / mel_stats_F[:, None]


def dvae_mel(wav_BT: Tensor, mel_stats_F: Tensor) -> Tensor:
    """Log-mel that codes are computed from; arguments and errors as of `conditioning_mel`."""
    return _log_mel(wav_BT, DVAE) / mel_stats_F[:, None]


def vocos_mel(wav_BT: Tensor) -> Tensor:
    """Log-mel that F5-TTS hears and speaks, [B, F, M], of audio at 24 000 Hz; errors as of `conditioning_mel`."""
    return _log_mel(wav_BT, VOCOS)


def speaker_mel(wav_BT: Tensor) -> Tensor:
    """Log-mel that the speaker encoder hears a voice as, [B, F, M].

    Args:
        wav_BT: Audio at 16 000 Hz, on the CPU.

    Raises:
        ValueError: The audio is not on the CPU, not [B, T], or too short for one frame.
    """
    _check(wav_BT, SPEAKER)
    before_BT = functional.pad(wav_BT, (1, 0), mode="reflect")[:, :-1]
    return (power_mel(wav_BT - PRE_EMPHASIS * before_BT, SPEAKER) + SPEAKER_LOG_OFFSET).log()


def power_mel(wav_BT: Tensor, spec: MelSpec) -> Tensor:
    """Power, or magnitude, in each mel bin of each frame, [B, F, M] with M = T // hop + 1.

    Raises:
        ValueError: The audio is not on the CPU, not [B, T], or too short for one frame.
    """
    _check(wav_BT, spec)
    spectrum_BQM = torch.stft(
        wav_BT, spec.num_fft, spec.hop, spec.window, window(spec), pad_mode="reflect", return_complex=True
    )
    return filters(spec).T @ spectrum_BQM.abs().pow(spec.power)


@cache
def window(spec: MelSpec) -> Tensor:
    """Weights of the points of one frame."""
    return torch.hamming_window(spec.window) if spec.hamming else torch.hann_window(spec.window)


@cache
def filters(spec: MelSpec) -> Tensor:
    """Triangles that gather linear frequencies into mel bins, [Q, F].

    Source: HTK's mel scale, 2595 log10(1 + f / 700), or Slaney's (Auditory Toolbox, 1998): 15 mel up to 1 kHz, then 27
    for a factor of 6.4. With unit peaks or, for equal areas, Slaney's norm 2 / width.
    """
    hertz_Q1 = torch.linspace(0, spec.sample_rate / 2, spec.num_fft // 2 + 1, dtype=torch.float64)[:, None]
    corners = _slaney_corners(spec) if spec.slaney_scale else _htk_corners(spec)
    left_F, peak_F, right_F = corners[:-2], corners[1:-1], corners[2:]
    rising_QF = (hertz_Q1 - left_F) / (peak_F - left_F)
    falling_QF = (right_F - hertz_Q1) / (right_F - peak_F)
    triangles_QF = torch.minimum(rising_QF, falling_QF).clamp(min=0)
    if spec.equal_area:
        triangles_QF = triangles_QF * 2 / (right_F - left_F)
    return triangles_QF.float()


def _htk_corners(spec: MelSpec) -> Tensor:
    top_mel = 2595 * torch.log10(torch.tensor(1 + spec.max_hertz / 700, dtype=torch.float64))
    return 700 * (10 ** (torch.linspace(0, 1, spec.num_bins + 2, dtype=torch.float64) * top_mel / 2595) - 1)


def _slaney_corners(spec: MelSpec) -> Tensor:
    """Of a spec that reaches above 1 kHz."""
    octave = math.log(6.4) / 27
    mel = torch.linspace(0, 15 + math.log(spec.max_hertz / 1000) / octave, spec.num_bins + 2, dtype=torch.float64)
    return torch.where(mel < 15, mel * 1000 / 15, 1000 * torch.exp((mel - 15) * octave))


def speaker_mel_buffers() -> tuple[Tensor, Tensor, Tensor]:
    """Pre-emphasis [1, 1, 2], window and filters of the speaker encoder's front end, which releases hold as state."""
    return torch.tensor([[[-PRE_EMPHASIS, 1.0]]]), window(SPEAKER).clone(), filters(SPEAKER).clone()


def _log_mel(wav_BT: Tensor, spec: MelSpec) -> Tensor:
    return power_mel(wav_BT, spec).clamp(min=LOG_FLOOR).log()


def _check(wav_BT: Tensor, spec: MelSpec) -> None:
    if wav_BT.device.type != "cpu":
        raise ValueError(
            f"audio lies on {wav_BT.device}; spectrograms are computed on the CPU alone, move it there first"
        )
    if wav_BT.ndim != 2:
        raise ValueError(f"audio has shape {list(wav_BT.shape)}; expected [batch, points]")
    if wav_BT.shape[1] <= spec.num_fft // 2:
        raise ValueError(f"audio has {wav_BT.shape[1]} points; expected more than {spec.num_fft // 2}")

"""How far what the decoder voices is from the clip itself, to the ear: what it learns from, where it learns.

The spectrogram of a sound that depends on weights in training cannot be computed once and kept, as all others are
(`audio/mel.py`). This one is computed where training computes, as products with waves: no FFT runs there either.

Shapes: B batch, T wav frames, M frames, N points of a frame, Q linear frequency bins, F mel bins.
"""

import math
from functools import cache

import torch
from torch import Tensor

from escuta.audio.mel import LOG_FLOOR, MelSpec, filters, window

RESOLUTIONS = ((2048, 100), (1024, 80), (512, 40), (256, 20))
"""Points of a frame and mel bins: from single harmonics to the noise of a single t."""


def sound_difference(said_BT: Tensor, true_BT: Tensor, sample_rate: int, max_hertz: float) -> Tensor:
    """Mean difference of log-mel spectrograms of several resolutions, in nepers of power, [B].

    Args:
        said_BT: Of one length with `true_BT`, 2048 points at least.
        true_BT: What it should be.
        sample_rate: Of both.
        max_hertz: Up to where they are compared.
    """
    with torch.autocast(said_BT.device.type, enabled=False):
        differences = []
        for size, num_bins in RESOLUTIONS:
            spec = MelSpec(sample_rate, size, size // 4, size, num_bins, max_hertz, equal_area=False)
            said_BMF, true_BMF = (_log_mel(wav_BT.float(), spec) for wav_BT in (said_BT, true_BT))
            differences.append((said_BMF - true_BMF).abs().mean(dim=(1, 2)))
    return torch.stack(differences).mean(0)


def _log_mel(wav_BT: Tensor, spec: MelSpec) -> Tensor:
    waves_NQ, filters_QF = _waves(spec, wav_BT.device)
    cosines_BMQ, sines_BMQ = (wav_BT.unfold(1, spec.num_fft, spec.hop) @ waves_NQ).chunk(2, dim=2)
    return ((cosines_BMQ.square() + sines_BMQ.square()) @ filters_QF).clamp(min=LOG_FLOOR).log()


@cache
def _waves(spec: MelSpec, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines, then sines, of each frequency under the window, and the filters that gather their power."""
    places_N1 = torch.arange(spec.num_fft, dtype=torch.float64)[:, None]
    angles_NQ = 2 * math.pi / spec.num_fft * places_N1 * torch.arange(spec.num_fft // 2 + 1)
    waves_NQ = torch.cat([angles_NQ.cos(), angles_NQ.sin()], dim=1) * window(spec)[:, None]
    return waves_NQ.float().to(device), filters(spec).to(device)

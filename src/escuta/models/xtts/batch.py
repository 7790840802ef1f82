"""Clips become a batch: padded texts and codes, and from each clip a crop that the model hears as its reference.

Shapes: B batch, F mel bins, M mel frames, N text tokens, K codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from escuta.audio.mel import CONDITIONING
from escuta.models.base import Batch, Features
from escuta.models.xtts.config import XttsConfig

CROP_SECONDS = (3.0, 6.0)
"""Shortest and longest reference heard in training: 66 150 and 132 300 points in the release's training recipe."""

VALIDATION_CROP_SECONDS = 4.5
"""From the start of the clip: 99 225 points, in the same recipe."""


@dataclass(frozen=True, slots=True)
class Crop:
    """Mel frames of a clip."""

    start: int
    end: int
    """One past the last."""

    def codes(self, frames_per_code: int) -> tuple[int, int]:
        """The first code that the crop touches and the one past the last; the loss leaves these out."""
        return self.start // frames_per_code, -(-self.end // frames_per_code)


def collate(features: Sequence[Features], generator: torch.Generator | None, config: XttsConfig) -> Batch:
    """Pad and crop `features` into what `Gpt.forward` takes.

    Args:
        features: Of each clip `text` [N], `codes` [K] and `mel` [F, M], its whole conditioning mel.
        generator: Where lengths and places of the crops are drawn from; None crops the beginning.
        config: Of the model.
    """
    crops = [choose_crop(clip["mel"].shape[1], generator) for clip in features]
    mels = [clip["mel"][:, crop.start : crop.end] for clip, crop in zip(features, crops, strict=True)]
    frames_per_code = config.gpt.code_stride // CONDITIONING.hop
    return {
        "text": _padded([clip["text"] for clip in features]),
        "text_lengths": torch.tensor([len(clip["text"]) for clip in features]),
        "codes": _padded([clip["codes"] for clip in features]),
        "code_lengths": torch.tensor([len(clip["codes"]) for clip in features]),
        "ignored_codes": torch.tensor([crop.codes(frames_per_code) for crop in crops]),
        "conditioning_mel": _padded([mel_FM.T for mel_FM in mels]).transpose(1, 2),
        "conditioning_lengths": torch.tensor([mel_FM.shape[1] for mel_FM in mels]),
    }


def choose_crop(num_mel_frames: int, generator: torch.Generator | None) -> Crop:
    """Choose what of a clip is its own reference: 3 to 6 s, or half of a clip that is shorter than what was drawn."""
    if generator is None:
        return Crop(0, _fitting(VALIDATION_CROP_SECONDS, num_mel_frames))
    shortest, longest = CROP_SECONDS
    draws = torch.rand(2, generator=generator).tolist()
    length = _fitting(shortest + draws[0] * (longest - shortest), num_mel_frames)
    start = int(draws[1] * (num_mel_frames - length + 1))
    return Crop(start, start + length)


def _fitting(seconds: float, num_mel_frames: int) -> int:
    frames = round(seconds * CONDITIONING.sample_rate / CONDITIONING.hop)
    return frames if frames <= num_mel_frames else max(1, num_mel_frames // 2)


def _padded(rows: list[Tensor]) -> Tensor:
    return pad_sequence(rows, batch_first=True)

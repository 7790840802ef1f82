"""Clips become a batch: padded texts and codes, and from each clip a crop that the model hears as its reference.

Shapes: B batch, F mel bins, M mel frames, N text tokens, K codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from escuta.audio.mel import CONDITIONING
from escuta.models.base import Batch, Features
from escuta.models.xtts.config import XttsConfig

CROP_SECONDS = (3.0, 6.0)
"""Shortest and longest reference heard in training: 66 150 and 132 300 points in the release's training recipe."""

SOUND_SECONDS = 2.0
"""Of a clip, that the decoder learns from at a time: of three clips what HiFi-GAN's makers took (16 times 0.37 s)."""

FULL_SCALE = 2**15 - 1
"""Of a sound in 16 bits."""

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
        features: Of each clip `text` [N], `codes` [K] and `mel` [F, M], its whole conditioning mel; where the decoder
            learns, `sound` [T] and `speaker` [E].
        generator: Where lengths and places of the crops are drawn from; None crops the beginning, and leaves out sound.
        config: Of the model.
    """
    crops = [choose_crop(clip["mel"].shape[1], generator) for clip in features]
    mels = [clip["mel"][:, crop.start : crop.end] for clip, crop in zip(features, crops, strict=True)]
    frames_per_code = config.gpt.code_stride // CONDITIONING.hop
    batch = {
        "text": _padded([clip["text"] for clip in features]),
        "text_lengths": torch.tensor([len(clip["text"]) for clip in features]),
        "codes": _padded([clip["codes"] for clip in features]),
        "code_lengths": torch.tensor([len(clip["codes"]) for clip in features]),
        "ignored_codes": torch.tensor([crop.codes(frames_per_code) for crop in crops]),
        "conditioning_mel": _padded([mel_FM.T for mel_FM in mels]).transpose(1, 2),
        "conditioning_lengths": torch.tensor([mel_FM.shape[1] for mel_FM in mels]),
    }
    if generator is not None and "sound" in features[0]:
        batch |= _sounds(features, generator, config)
    return batch


def _sounds(features: Sequence[Features], generator: torch.Generator, config: XttsConfig) -> dict[str, Tensor]:
    """Cut from each clip as long a piece: the places of its codes, and what they sound like."""
    points_per_code = config.gpt.code_stride * config.output_sample_rate / config.sample_rate
    clip_codes = [len(clip["codes"]) for clip in features]
    num_codes = min(round(SOUND_SECONDS * config.sample_rate / config.gpt.code_stride), *clip_codes)
    draws = torch.rand(len(features), generator=generator).tolist()
    starts = [int(draw * (codes - num_codes + 1)) for draw, codes in zip(draws, clip_codes, strict=True)]
    points, num_points = [round(start * points_per_code) for start in starts], int(num_codes * points_per_code)
    cut = [clip["sound"][first : first + num_points] for clip, first in zip(features, points, strict=True)]
    return {
        "sound": torch.stack([pad(sound_T, (0, num_points - len(sound_T))) for sound_T in cut]) / FULL_SCALE,
        "sound_codes": torch.tensor(starts)[:, None] + torch.arange(num_codes),
        "speaker": torch.stack([clip["speaker"] for clip in features]),
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

"""Clips become a batch: padded, with all that is drawn for each, so that a batch alone decides its loss.

Shapes: B batch, F mel bins, M mel frames, N text tokens.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from escuta.models.base import Batch, Features
from escuta.models.f5.text_embedding import PADDING

# Source of these: f5-tts 1.1.22, model/cfm.py.
SPAN_SHARES = (0.7, 1.0)
"""Least and most of a clip that is to be guessed from the rest."""
DROPS_AUDIO = 0.3
DROPS_ALL = 0.2
"""How often a clip is learned without what guides: without its audio, and without audio and text."""


def collate(features: Sequence[Features], generator: torch.Generator | None, looks: int = 1) -> Batch:
    """Pad clips and draw for each where it is guessed, its noise, its time, and what of it is dropped.

    Args:
        features: Of each clip `text` [N] and `mel` [M, F].
        generator: What is drawn from; None draws the same for a clip every time, and drops nothing.
        looks: How often each clip is taken where nothing is drawn: at so many times, spread evenly.

    Returns:
        `mel` [B, M, F], `mel_lengths` [B], `text` [B, N], `noise` [B, M, F], `time` [B], `span` [B, 2] (the first frame
        to guess and the one past the last), `drops` [B, 2] (whether audio, whether text).
    """
    if generator is None:
        features = [clip for clip in features for _look in range(looks)]
        drawn = [_fixed(clip, place % looks, looks) for place, clip in enumerate(features)]
    else:
        drawn = [_drawn(clip, generator, drops=True) for clip in features]
    batch = {name: torch.stack([one[name] for one in drawn]) for name in ("time", "span", "drops")}
    return batch | {
        "mel": pad_sequence([clip["mel"] for clip in features], batch_first=True),
        "mel_lengths": torch.tensor([len(clip["mel"]) for clip in features]),
        "text": pad_sequence([clip["text"] for clip in features], batch_first=True, padding_value=PADDING),
        "noise": pad_sequence([one["noise"] for one in drawn], batch_first=True),
    }


def _drawn(clip: Features, generator: torch.Generator, *, drops: bool) -> dict[str, Tensor]:
    num_frames = len(clip["mel"])
    time, share, place, audio, everything = torch.rand(5, generator=generator).tolist()
    least, most = SPAN_SHARES
    length = max(1, int((least + share * (most - least)) * num_frames))
    start = int(place * (num_frames - length + 1))
    drops_all = drops and everything < DROPS_ALL
    return {
        "time": torch.tensor(time),
        "span": torch.tensor([start, start + length]),
        "drops": torch.tensor([drops_all or (drops and audio < DROPS_AUDIO), drops_all]),
        "noise": torch.randn(clip["mel"].shape, generator=generator),
    }


def _fixed(clip: Features, look: int, looks: int) -> dict[str, Tensor]:
    """The same for a clip in every epoch, whatever is in its batch."""
    generator = torch.Generator().manual_seed(len(clip["mel"]) + 65_537 * int(clip["text"].sum()) + look)
    drawn = _drawn(clip, generator, drops=False)
    return {**drawn, "time": (look + drawn["time"]) / looks}

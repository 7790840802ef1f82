"""The voice that is being learned, as its real clips have it: how fast it speaks, and where its embedding lies.

Shapes: D width of the embedding.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from escuta.errors import AudioError
from escuta.scoring.clips import Take
from escuta.scoring.rate import UsualRate, speaking_rate
from escuta.scoring.recording import Recording
from escuta.scoring.voice import VoiceEncoder

MAX_CLIPS_FOR_RATE = 60
MAX_CLIPS_FOR_VOICE = 16
"""Of more, the mean hardly moves."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a sample is compared with."""

    rate: UsualRate | None = None
    voice_D: Tensor | None = None


def profile_of(
    takes: Sequence[Take],
    language: str,
    encoder: VoiceEncoder | None,
    *,
    reference: Path | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Profile:
    """Listen to real clips; those that cannot be read are passed over.

    Args:
        takes: The clips.
        language: Of their texts.
        encoder: None leaves the voice out.
        reference: Stands for the voice where there are no clips.
        progress: Called after each clip.
    """
    rates: list[float] = []
    voices: list[Tensor] = []
    for take in takes[:MAX_CLIPS_FOR_RATE]:
        if recording := _read(take.audio):
            rate = speaking_rate(take.text, language, recording.speech_seconds)
            rates += [rate] if rate else []
            if encoder and len(voices) < MAX_CLIPS_FOR_VOICE:
                voices += _embeddings(encoder, recording)
        progress()
    if encoder and not voices and reference and (recording := _read(reference)):
        voices = _embeddings(encoder, recording)
    voice_D = nn.functional.normalize(torch.stack(voices).mean(dim=0), dim=0) if voices else None
    return Profile(UsualRate.of(rates), voice_D)


def _embeddings(encoder: VoiceEncoder, recording: Recording) -> list[Tensor]:
    voice_D = encoder.embed(recording.at_16k_T)
    return [] if voice_D is None else [voice_D]


def _read(path: Path) -> Recording | None:
    try:
        return Recording.read(path)
    except AudioError:
        return None

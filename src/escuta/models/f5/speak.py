"""A text becomes pieces that the model can say, and the pieces become one.

Shapes: T wav frames, N text tokens.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from escuta.audio.mel import VOCOS
from escuta.models.base import Reference
from escuta.models.f5.pace import seconds_of, units
from escuta.models.f5.sampler import Utterance, drawn_noise
from escuta.models.f5.vocabulary import Vocabulary
from escuta.text.split import split

# Source of both: f5-tts 1.1.22, infer/utils_infer.py infer_process.
MAX_SECONDS = 22.0
"""Of recording and piece together."""
CROSS_FADE_SECONDS = 0.15

EVENLY = 1.15
"""A piece may be so many times longer than an even share of the text, if that saves one piece."""
MIN_CHARACTERS = 10


def piece_seconds(reference: Reference) -> float:
    """How long a piece may be after this recording."""
    return MAX_SECONDS - len(reference["mel"]) * VOCOS.hop / VOCOS.sample_rate


def pieces(text: str, language: str, max_seconds: float, reference: Reference) -> list[str]:
    """Split a text where it is long, into pieces of about the same length."""
    text = " ".join(text.split())
    num_pieces = math.ceil(seconds_of(text, float(reference["pace"])) / max_seconds)
    characters_per_unit = len(text) / max(units(text), 1.0)
    longest = max(MIN_CHARACTERS, int(max_seconds / float(reference["pace"]) * characters_per_unit))
    even = max(MIN_CHARACTERS, math.ceil(EVENLY * len(text) / num_pieces))
    evenly = split(text, language, min(even, longest))
    return evenly if len(evenly) <= num_pieces else split(text, language, longest)


def utterance(vocabulary: Vocabulary, piece: str, reference: Reference, seed: int) -> Utterance:
    """Lay out one piece after the recording, as long as the voice would take for it."""
    frames_per_second = VOCOS.sample_rate / VOCOS.hop
    num_new = math.ceil(seconds_of(piece, float(reference["pace"])) * frames_per_second)
    text_N = torch.cat([reference["text"], torch.tensor(vocabulary.encode(piece).ids)])
    # A text longer than its frames would be cut off.
    num_frames = max(len(reference["mel"]) + num_new, len(text_N) + 1)
    return Utterance(reference["mel"], text_N, num_frames, drawn_noise(num_frames, seed))


def joined(wavs: Sequence[Tensor], sample_rate: int) -> Tensor:
    """Join pieces, each fading into the next."""
    whole_T = wavs[0]
    for wav_T in wavs[1:]:
        overlap = min(round(CROSS_FADE_SECONDS * sample_rate), len(whole_T), len(wav_T))
        rising_T = torch.linspace(0, 1, overlap)
        faded_T = torch.lerp(whole_T[len(whole_T) - overlap :], wav_T[:overlap], rising_T)
        whole_T = torch.cat([whole_T[: len(whole_T) - overlap], faded_T, wav_T[overlap:]])
    return whole_T

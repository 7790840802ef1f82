"""Noise becomes a mel spectrogram: along the flow, step by step.

Shapes: M mel frames, F mel bins, N text tokens, P passes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from escuta.models.f5.config import NUM_MEL_BINS
from escuta.models.f5.packed import PackedDit
from escuta.models.f5.schedule import moments

MAX_FRAMES = 16_000
"""Of sentences spoken together; each takes some 100 kB."""

MAX_CPU_FRAMES = 1_500
"""A CPU is busy with one sentence of 7 s: more at once only leave its caches, and take a quarter longer each."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What to say after a recording."""

    heard_MF: Tensor
    """The recording."""
    text_N: Tensor
    """What is said in it, and then what is to be said."""
    num_frames: int
    """Of both together."""
    noise_MF: Tensor
    """Where the flow begins, as long as both together."""


def drawn_noise(num_frames: int, seed: int) -> Tensor:
    """Draw where the flow begins, [M, F]; on the CPU, so that a seed says the same everywhere."""
    return torch.randn(num_frames, NUM_MEL_BINS, generator=torch.Generator().manual_seed(seed))


def sample(
    dit: PackedDit,
    utterances: Sequence[Utterance],
    *,
    num_steps: int,
    guidance: float,
    progress: Callable[[], None] | None = None,
) -> list[Tensor]:
    """Make the mel of each utterance, [M, F]: the recording as it is, then what is new.

    Args:
        dit: The network.
        utterances: Any number, of any length.
        num_steps: On the way; more are slower and smoother.
        guidance: How far to go beyond what is likely with the text, away from what is likely without; 0 is not at all.
        progress: Called after every step.
    """
    return [
        mel_MF
        for batch in _batches(utterances, MAX_CPU_FRAMES if dit.device.type == "cpu" else MAX_FRAMES)
        for mel_MF in _sample(dit, batch, moments(num_steps), guidance, progress)
    ]


def _sample(
    dit: PackedDit, batch: Sequence[Utterance], times_S: Tensor, guidance: float, progress: Callable[[], None] | None
) -> list[Tensor]:
    device = dit.device
    heard = [padded(one.heard_MF.to(device), one.num_frames) for one in batch]
    sentences = [
        dit.guided(heard_MF, one.text_N.to(device), guides=guidance > 0)
        for heard_MF, one in zip(heard, batch, strict=True)
    ]
    mels = [one.noise_MF.to(device) for one in batch]
    for moment, step in zip(dit.moments(times_S[:-1]), times_S.diff().tolist(), strict=True):
        flows = dit.flow(mels, sentences, moment)
        mels = [mel_MF + step * guide(flow, guidance) for mel_MF, flow in zip(mels, flows, strict=True)]
        if progress:
            progress()
    return [
        torch.cat([one.heard_MF.to(device), mel_MF[len(one.heard_MF) :]])
        for one, mel_MF in zip(batch, mels, strict=True)
    ]


def guide(flow_PMF: Tensor, guidance: float) -> Tensor:
    """Join the flow with text and recording and the one without, where there is one: classifier-free guidance."""
    likely_MF = flow_PMF[0]
    return likely_MF if len(flow_PMF) == 1 else likely_MF + guidance * (likely_MF - flow_PMF[1])


def padded(heard_MF: Tensor, num_frames: int) -> Tensor:
    """Lengthen a recording by zeros."""
    return torch.cat([heard_MF, heard_MF.new_zeros(num_frames - len(heard_MF), heard_MF.shape[1])])


def _batches(utterances: Sequence[Utterance], max_frames: int) -> list[list[Utterance]]:
    """As they come, so many frames together at most; a longer one by itself."""
    batches: list[list[Utterance]] = []
    room = 0
    for one in utterances:
        if one.num_frames > room:
            batches.append([])
            room = max_frames
        batches[-1].append(one)
        room -= one.num_frames
    return batches

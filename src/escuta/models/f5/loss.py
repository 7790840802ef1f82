"""What the network learns from: where noise flows on its way to speech, and how far off its guess was.

Shapes: B batch, F mel bins, M mel frames.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from escuta.models.base import Batch


@dataclass(frozen=True, slots=True)
class Task:
    """A batch, laid out for the network: conditional flow matching (arXiv:2210.02747)."""

    mel_BMF: Tensor
    """Noise, part of the way to speech."""
    heard_BMF: Tensor
    """What is given of the speech; zero where it is to be guessed, or dropped."""
    flow_BMF: Tensor
    """What is to be guessed."""
    inside_BM: Tensor
    """False past an item's end."""
    counted_BM: Tensor
    """True where the loss counts what is guessed."""


def task(batch: Batch) -> Task:
    """Lay a batch out."""
    mel_BMF, noise_BMF, time_B11 = batch["mel"], batch["noise"], batch["time"][:, None, None]
    place_M = torch.arange(mel_BMF.shape[1], device=mel_BMF.device)
    counted_BM = counted(batch)
    given_BM = ~counted_BM & ~batch["drops"][:, :1]
    return Task(
        mel_BMF=(1 - time_B11) * noise_BMF + time_B11 * mel_BMF,
        heard_BMF=mel_BMF * given_BM[..., None],
        flow_BMF=mel_BMF - noise_BMF,
        inside_BM=place_M < batch["mel_lengths"][:, None],
        counted_BM=counted_BM,
    )


def counted(batch: Batch) -> Tensor:
    """Where the loss counts what is guessed, [B, M]."""
    place_M = torch.arange(batch["mel"].shape[1], device=batch["mel"].device)
    span_B2 = batch["span"]
    return (place_M >= span_B2[:, :1]) & (place_M < span_B2[:, 1:])


def num_targets(batch: Batch) -> Tensor:
    """Count the numbers that the loss counts, [1]."""
    return counted(batch).sum()[None] * batch["mel"].shape[2]


def flow_loss(guessed_BMF: Tensor, task: Task, num_targets: Tensor) -> Tensor:
    """Mean square of the error where it counts, of all items together, in float32."""
    error_BMF = (guessed_BMF.float() - task.flow_BMF) * task.counted_BM[..., None]
    return error_BMF.square().sum() / num_targets.clamp(min=1)

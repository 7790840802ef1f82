"""What nobody chose, chosen by how much there is to learn from; docs/decisions/0015-advice.md has the reasons."""

import math
from collections.abc import Sequence

from escuta.data.batches import BatchLimits, epoch_batches
from escuta.settings import Settings, TrainingSettings
from escuta.training.optimizer import BETAS

EPOCHS = 10
"""What coqui's own fine-tuning demo takes (coqui-tts 0.28.0, TTS/demos/xtts_ft_demo), as does the guide's workspace."""

MINUTES = 40
"""So much audio at most is learned from where people report good voices of 10 epochs (daswer123/xtts-finetune-webui,
pull request 99: 40 minutes of clean audio and 10 epochs)."""

LEAST_EPOCHS = 3
"""So that there are checkpoints to choose from."""

WARM_UP_STEPS = round(2 / (1 - BETAS[1]))
"""AdamW's second moments mean little before (Ma and Yarats 2021, On the adequacy of untuned warmup for adaptive
optimization)."""

WARM_UP_SHARE = 10
"""A short training must not pass in warming up: one part in so many at most."""


LORA_FACTOR = 10
"""The best learning rate for low-rank additions is ten times that for the model itself, whatever their rank (Schulman
et al. 2025, LoRA Without Regret)."""


def advise(settings: Settings, clip_seconds: Sequence[float], processes: int = 1) -> tuple[Settings, tuple[str, ...]]:
    """Fill in what nobody gave; what was given stays.

    Args:
        settings: As asked for.
        clip_seconds: Durations of the clips to learn from.
        processes: How many train together.

    Returns:
        Settings that leave nothing open, and the names of those that were advised.
    """
    training = settings.training
    advised: dict[str, float] = {}
    if "epochs" not in training.model_fields_set:
        advised["epochs"] = epochs_for(sum(clip_seconds) / 60)
        training = training.model_copy(update=advised)
    if training.lora_rank and "learning_rate" not in training.model_fields_set:
        advised["learning_rate"] = LORA_FACTOR * training.learning_rate
    if training.warmup_steps is None:
        steps = training.epochs * steps_an_epoch(clip_seconds, training, settings.seed, processes)
        advised["warmup_steps"] = min(WARM_UP_STEPS, steps // WARM_UP_SHARE)
    training = training.model_copy(update=advised)
    return settings.model_copy(update={"training": training}), tuple(advised)


def epochs_for(minutes: float) -> int:
    """How often so many minutes of audio are learned from."""
    return max(LEAST_EPOCHS, min(EPOCHS, round(EPOCHS * MINUTES / minutes)))


def steps_an_epoch(clip_seconds: Sequence[float], training: TrainingSettings, seed: int, processes: int = 1) -> int:
    """Optimizer steps of one epoch."""
    limits = BatchLimits(training.batch_size, training.batch_seconds)
    batches = epoch_batches(clip_seconds, limits, seed=seed, epoch=1)
    return math.ceil(len(batches) / processes / training.accumulation_steps)

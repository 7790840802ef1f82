"""Is it time? Pure functions of how far a training has come."""

from dataclasses import dataclass

from escuta.settings import SamplingSettings, TrainingSettings


@dataclass(frozen=True, slots=True)
class Due:
    """What an epoch ends with."""

    save: bool
    """Write a checkpoint."""
    speak: bool
    """Have it spoken."""


def due_after_epoch(
    epoch: int, *, improved: bool, training: TrainingSettings, sampling: SamplingSettings, last: bool = False
) -> Due:
    """What follows `epoch` (from 1); the last one is always saved and spoken, so that a run never ends unheard.

    Args:
        epoch: Counted from 1.
        improved: Whether val_loss is the lowest so far.
        training: How often to save.
        sampling: How often to speak.
        last: Whether training ends with it, for whatever reason; it does with the last epoch anyway.
    """
    last = last or epoch == training.epochs
    saved = epoch % training.save_every_n_epochs == 0 or last
    wanted = saved if sampling.every_n_epochs is None else epoch % sampling.every_n_epochs == 0
    wanted = wanted or last or (improved and sampling.best_samples)
    speak = wanted and sampling.mode != "off"
    return Due(save=saved or improved or speak, speak=speak)


def speak_after_step(step: int, sampling: SamplingSettings) -> bool:
    """Whether the checkpoint after optimizer step `step` is saved and spoken, within an epoch."""
    return sampling.mode != "off" and sampling.every_n_steps is not None and step % sampling.every_n_steps == 0

"""The learning rate of each step: a function of the step alone, so a resumed training goes on exactly."""

import math

from escuta.settings import TrainingSettings


def learning_rate_at(step: int, training: TrainingSettings, total_steps: int) -> float:
    """Of optimizer step `step`, from 1: it rises in a straight line for the warm-up, then stays or falls towards 0.

    Args:
        step: Counted from the beginning of the run.
        training: What is asked for.
        total_steps: Of the whole run. Where it takes a few more, the last ones keep what is left.
    """
    warmup = training.warmup_steps or 0
    if step <= warmup:
        return training.learning_rate * step / (warmup + 1)
    decaying = max(total_steps - warmup, 1)
    passed = min(step - warmup - 1, decaying - 1) / decaying
    match training.schedule:
        case "linear":
            return training.learning_rate * (1 - passed)
        case "cosine":
            return training.learning_rate * (1 + math.cos(math.pi * passed)) / 2
        case _:
            return training.learning_rate

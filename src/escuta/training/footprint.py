"""How much memory learning takes, told from counts and settings."""

from dataclasses import dataclass

from escuta.settings import TrainingSettings
from escuta.training.precision import Arithmetic

MOMENT_BYTES = {"adamw": 4, "adamw_bf16": 2, "adamw8bit": 1}
"""Of each of AdamW's two moments of a weight."""

RUNTIME_BYTES = 350_000_000
"""Python and PyTorch before any weight, measured on a CPU."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many weights there are."""

    weights: int
    """In all."""
    matrices: int
    """Of those that are multiplied by: in bf16 they have copies."""
    learning: int
    """Of those that learn: all, but what is frozen; with LoRA the adapters' alone."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes by what they are for."""

    weights: int
    gradients: int
    moments: int
    activations: int
    average: int = 0
    """A running mean of what learns."""

    @property
    def bytes(self) -> int:
        """The most at once: activations go while gradients come, so the larger of them counts."""
        return RUNTIME_BYTES + self.weights + self.moments + self.average + max(self.gradients, self.activations)


def footprint(counts: Counts, settings: TrainingSettings, arithmetic: Arithmetic, activations: int) -> Footprint:
    """Add up what learning takes.

    A weight is 4 bytes, and 2 more for its copy where bf16 multiplies by it. A gradient is 2 bytes where there is a
    copy, else 4; bitsandbytes needs them all in 4. Each of two moments is 4, 2 or 1 bytes. XTTS-v2 has 441 million
    weights, nearly all in matrices: (4 + 2) + max(2, activations) + 2 x 4 bytes of each.

    Args:
        counts: Of the model.
        settings: Of training.
        arithmetic: What it computes in.
        activations: What the way back of one micro step keeps, as the model's family tells.
    """
    half = arithmetic == "bf16"
    adapters = bool(settings.lora_rank)
    optimizer = settings.optimizer
    if optimizer == "auto":
        optimizer = "adamw_bf16" if half else "adamw"
    gradient_bytes = 2 if half and not adapters and optimizer != "adamw8bit" else 4
    return Footprint(
        weights=4 * (counts.weights + (counts.learning if adapters else 0)) + (2 * counts.matrices if half else 0),
        gradients=gradient_bytes * counts.learning,
        moments=2 * MOMENT_BYTES[optimizer] * counts.learning,
        activations=activations,
        average=4 * counts.learning if settings.ema_decay else 0,
    )

"""Whether rounded weights still say what the exact ones say, decided by measurement.

The measure is a loss that the model was trained on, so that it is about the model, not about its matrices.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from escuta.engine.linear import Precision

Asked: TypeAlias = Literal["auto", "exact", "bf16", "int8"]
"""A precision, or the best for the device."""

LADDER: tuple[Precision, ...] = ("int8", "bf16", "exact")
"""From the fastest; each is what stands in for the one before it."""

TOLERANCE = 0.005
"""Largest difference of the loss, relative to the exact one. In either direction: a lower loss is luck, not faith."""

TRUSTED_SAMPLES = 5
"""A wide margin is taken for granted for so many samples: fine-tuning changes weights by little."""


@dataclass(slots=True)
class Trust:
    """Which precision the checkpoints of one training speak in, and why; what is refused once stays refused."""

    asked: Asked
    used: Precision
    difference: float | None = None
    """Of the loss in this precision, relative to the exact one; None before it was measured."""
    checked: str | None = None
    """The sample whose weights it was measured with."""
    refused: dict[Precision, float | None] = field(default_factory=dict)
    """What was tried before, with its difference; None is no number."""
    samples_since: int = 0
    """Spoken since it was measured."""

    def __post_init__(self) -> None:
        if self.used == "exact":
            self.difference = 0.0

    def due(self) -> bool:
        """Whether the sample just spoken is one to measure: the first, after a thin margin, else every few."""
        if self.used == "exact":
            return False
        return self.difference is None or self.difference > TOLERANCE / 2 or self.samples_since >= TRUSTED_SAMPLES

    def judge(self, sample: str, difference: float) -> bool:
        """Note a measurement; whether the precision stays. Otherwise it is now the next one, not measured yet."""
        self.samples_since = 0
        if difference <= TOLERANCE:  # never so for NaN
            self.difference, self.checked = difference, sample
            return True
        self.refused[self.used] = difference if math.isfinite(difference) else None
        self.used = LADDER[LADDER.index(self.used) + 1]
        self.difference, self.checked = (0.0 if self.used == "exact" else None), None
        return False

    def to_json(self) -> dict[str, Any]:
        """Say it in a sample's JSON."""
        difference = self.difference if self.difference is None else round(self.difference, 6)
        return {
            "asked": self.asked,
            "used": self.used,
            "difference": difference,
            "checked": self.checked,
            "refused": {name: value if value is None else round(value, 6) for name, value in self.refused.items()},
        }

"""Whether rounded weights still say what the exact ones say, decided by measurement.

The measure is a loss that the model was trained on, so that it is about the model, not about its matrices.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from escuta.engine.linear import Precision

LADDER: tuple[Precision, ...] = ("int8", "bf16", "exact")
"""From the fastest; each is what stands in for the one before it."""

TOLERANCE = 0.005
"""Largest difference of the loss, relative to the exact one. In either direction: a lower loss is luck, not faith."""

PackedT = TypeVar("PackedT")


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Which precision was taken, and why."""

    asked: Precision
    used: Precision
    difference: float
    """Of the loss with the weights used, relative to the exact loss; 0.0 for "exact"."""
    refused: tuple[tuple[Precision, float], ...] = ()
    """What was tried before, with its difference: beyond the tolerance, or no number."""


def pack_faithfully(
    asked: Precision, pack: Callable[[Precision], PackedT], loss: Callable[[PackedT], float]
) -> tuple[PackedT, Faithfulness]:
    """Pack in the precision asked for, or in the first one after it whose loss is within `TOLERANCE` of the exact.

    Args:
        asked: Where to begin on the ladder.
        pack: Packs the model.
        loss: Measures a packed model, always on the same held-out data.
    """
    exact = pack("exact")
    if asked == "exact":
        return exact, Faithfulness(asked, asked, 0.0)
    exact_loss = loss(exact)
    refused: list[tuple[Precision, float]] = []
    for precision in LADDER[LADDER.index(asked) : -1]:
        packed = pack(precision)
        difference = abs(loss(packed) / exact_loss - 1)
        if difference <= TOLERANCE:  # never so for NaN
            return packed, Faithfulness(asked, precision, difference, tuple(refused))
        refused.append((precision, difference))
        del packed
    return exact, Faithfulness(asked, "exact", 0.0, tuple(refused))

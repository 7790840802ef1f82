"""What another implementation computed, and how near to it escuta must come."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


class Absent(LookupError):
    """The case has no array of that name."""


class Case(dict[str, Tensor]):
    """The arrays of a case."""

    def __missing__(self, name: str) -> Tensor:
        raise Absent(name)


@dataclass(frozen=True, slots=True)
class Limit:
    """How an error is measured, and how far it may go."""

    measure: Callable[[Tensor, Tensor], float]
    unit: str
    bound: float
    higher_is_better: bool = False

    def met_by(self, error: float) -> bool:
        """Whether `error` is within the limit; NaN never is."""
        return error >= self.bound if self.higher_is_better else error <= self.bound


def absolute_error(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference."""
    return float((ours - theirs).abs().max())


def relative_error(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference, as a share of the largest value."""
    return absolute_error(ours, theirs) / float(theirs.abs().max())


def differing(ours: Tensor, theirs: Tensor) -> float:
    """How many codes differ."""
    return float((ours != theirs).sum())


def signal_to_noise_db(ours: Tensor, theirs: Tensor) -> float:
    """Power of their sound over power of the difference, in decibels."""
    return float(10 * (theirs.square().sum() / (ours - theirs).square().sum()).log10())


ABSOLUTE = Limit(absolute_error, "absolute", 1e-4)
RELATIVE = Limit(relative_error, "relative", 1e-4)
IDENTICAL = Limit(differing, "codes differ", 0)
SOUND = Limit(signal_to_noise_db, "dB", 60, higher_is_better=True)

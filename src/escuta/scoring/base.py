"""What a score is: a name, a unit, a range, and which way is better."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Better: TypeAlias = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Score:
    """One number about one recording."""

    name: str
    """Its key in files."""
    unit: str
    """As people write it; empty for a ratio or a count of nothing."""
    low: float | None
    """The least that it can be; None where nothing bounds it."""
    high: float | None
    """The most that it can be; None where nothing bounds it."""
    better: Better | None
    """Which way is better; None where neither is: it describes, and does not judge."""
    source: str
    """The paper or the package that it comes from."""

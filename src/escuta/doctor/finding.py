"""One line of the doctor's page."""

from dataclasses import dataclass
from typing import Literal

Mark = Literal["fine", "note", "warning", "broken"]

SIGNS: dict[Mark, str] = {"fine": "✅", "note": "ℹ️ ", "warning": "⚠️ ", "broken": "❌"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, in a sentence or two, and how much it matters: `broken` keeps escuta from working."""

    mark: Mark
    text: str

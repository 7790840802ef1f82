"""A clip: one training recording and what is said in it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of the dataset, found readable and usable."""

    audio: Path
    """The audio file; any rate, any number of channels."""

    text: str
    """What is said, as the manifest has it (the normalised column where there is one)."""

    seconds: float
    """Duration of the whole file."""

    line: int
    """Line of metadata.csv, from 1."""

    @property
    def name(self) -> str:
        """The file's name without its ending, as messages and samples cite it."""
        return self.audio.stem

"""run.json and samples/*.json, as far as the page tells them; what is missing or damaged is a gap, never an error."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, FiniteFloat, ValidationError

RecordT = TypeVar("RecordT", bound=BaseModel)


class Said(BaseModel):
    """One sentence as a checkpoint spoke it."""

    file: str
    """Name in samples/."""
    text: str
    audio_seconds: FiniteFloat
    stop: str
    """`limit` when it was cut."""


class Sample(BaseModel):
    """All that a checkpoint spoke: one JSON file of samples/."""

    step: int
    weights: str
    """Their fingerprint."""
    reference: str
    """Name of its copy in samples/."""
    sentences: list[Said]

    def said(self, text: str) -> Said | None:
        """Find a sentence by its text."""
        return next((said for said in self.sentences if said.text == text), None)


class BaseFacts(BaseModel):
    """The base model."""

    title: str
    kind: str


class DatasetFacts(BaseModel):
    """What is learned from."""

    clips: int
    minutes: FiniteFloat


class SentenceFacts(BaseModel):
    """What every checkpoint speaks."""

    text: str


class Facts(BaseModel):
    """What ran."""

    escuta: str
    language: str
    base: BaseFacts
    dataset: DatasetFacts
    sentences: list[SentenceFacts]
    reference: str


def read_facts(path: Path) -> Facts | None:
    """Read run.json."""
    return _read(Facts, path)


def read_sample(path: Path) -> Sample | None:
    """Read the JSON file of a checkpoint's sample."""
    return _read(Sample, path)


def _read(record: type[RecordT], path: Path) -> RecordT | None:
    try:
        return record.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None

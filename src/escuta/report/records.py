"""run.json and samples/*.json, as far as the page tells them; what is missing or damaged is a gap, never an error."""

from functools import lru_cache
from pathlib import Path
from typing import TypeVar, cast

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
    seed: int = 0
    """Of its own, where the sentence was spoken with several."""


class Sample(BaseModel):
    """All that a checkpoint spoke: one JSON file of samples/."""

    step: int
    weights: str
    """Their fingerprint."""
    reference: str
    """Name of its copy in samples/."""
    sentences: list[Said]


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
    return read_record(Facts, path)


def read_sample(path: Path) -> Sample | None:
    """Read the JSON file of a checkpoint's sample."""
    return read_record(Sample, path)


def read_record(record: type[RecordT], path: Path) -> RecordT | None:
    """Read a JSON file, or remember it: a page is written often, and its files change seldom."""
    try:
        return cast(RecordT | None, _parse(record, path, *stamp(path)))
    except OSError:
        return None


def stamp(path: Path) -> tuple[int, int]:
    """What changes when a file does: its size and the time of its change.

    Raises:
        OSError: It is not there.
    """
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=10_000)
def _parse(record: type[BaseModel], path: Path, _size: int, _changed: int) -> BaseModel | None:
    try:
        return record.model_validate_json(path.read_bytes())
    except ValidationError:
        return None

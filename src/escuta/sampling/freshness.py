"""Whether a sample that is there is what would be made now: asked as `make` asks, then as SHA-256 does.

A file that has not changed since the sample was made needs no reading: 1,000 checkpoints of 1.5 GB are looked through
in seconds. The time of a file's last change (ctime) is the system's own: no copy, move or unpacking sets it back.
"""

import filecmp
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ValidationError

from escuta.sampling.job import SampleJob


class Said(BaseModel):
    """One sentence of a sample."""

    file: str
    text: str
    seed: int | None = None
    """None in samples of the first versions, which had one."""
    audio_seconds: float


class Precision(BaseModel):
    """Of the weights of a sample."""

    asked: str


class Sample(BaseModel):
    """What the JSON file of a sample says of how it was made."""

    checkpoint: str | None
    weights: str
    language: str
    reference: str
    reference_source: str
    seed: int
    generation: dict[str, bool | int | float | None]
    precision: Precision
    sample_rate: int
    sentences: list[Said]

    @property
    def audio_seconds(self) -> float:
        """Of all its sentences."""
        return sum(said.audio_seconds for said in self.sentences)


def read_sample(job: SampleJob) -> Sample | None:
    """Read the JSON file that `job` would write; None when it is not there, or damaged."""
    try:
        return Sample.model_validate_json(record(job).read_bytes())
    except (OSError, ValidationError):
        return None


def record(job: SampleJob) -> Path:
    """The JSON file of a sample, written last: what has none is not made."""
    return job.folder / f"{job.name}.json"


def answers(sample: Sample, job: SampleJob) -> bool:
    """Whether `sample` is of the texts, the voice, the seed and the choices of `job`, and its files are there.

    One that was spoken with more seeds than asked for is as good.
    """
    chosen = {name: value for name, value in asdict(job.generation).items() if value is not None}
    files = [sample.reference, *(said.file for said in sample.sentences)]
    return (
        _texts_by_seed(sample).items() >= {seed: list(job.sentences) for seed in job.seeds}.items()
        and (sample.seed, sample.language, sample.sample_rate) == (job.seed, job.language, job.sample_rate)
        and sample.precision.asked == job.precision
        and chosen.items() <= sample.generation.items()
        and all((job.folder / file).exists() for file in files)
        and (not job.best or (job.folder / "best" / record(job).name).exists())
        and _same_reference(sample, job)
    )


def is_newer(job: SampleJob, files: Iterable[Path]) -> bool:
    """Whether none of `files` has changed since the sample of `job` was made."""
    try:
        made_ns = record(job).stat().st_mtime_ns
        return all(file.stat().st_ctime_ns < made_ns for file in files)
    except OSError:
        return False


def is_of_weights(sample: Sample, job: SampleJob, fingerprint: Callable[[], str]) -> bool:
    """Whether `sample` was spoken with weights of this fingerprint; if so, it is taken for made just now."""
    if sample.weights != fingerprint():
        return False
    os.utime(record(job))
    return True


def _texts_by_seed(sample: Sample) -> dict[int, list[str]]:
    texts: dict[int, list[str]] = {}
    for said in sample.sentences:
        texts.setdefault(sample.seed if said.seed is None else said.seed, []).append(said.text)
    return texts


def _same_reference(sample: Sample, job: SampleJob) -> bool:
    """Whether the recording is what was cloned; once it is gone, its copy is what counts."""
    return sample.reference_source == str(job.reference) and (
        not job.reference.exists()
        or is_newer(job, [job.reference])
        or filecmp.cmp(job.reference, job.folder / sample.reference, shallow=False)
    )

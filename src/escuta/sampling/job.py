"""What a checkpoint is asked to say, and what came of it: plain data, JSON both ways."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from escuta.engine.faithfulness import Asked
from escuta.errors import EscutaError
from escuta.models.base import Generation
from escuta.run.staging import Staged
from escuta.settings import SamplingSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleJob:
    """One checkpoint, the sentences it speaks, and where they go."""

    name: str
    """`epoch_3` or `step_500`: the beginning of the files' names."""
    epoch: int
    step: int
    checkpoint: Path | None
    """None speaks with the base model itself."""
    staged: Staged | None = None
    """Where its weights are in memory; the file is there at the latest when that memory holds others."""
    folder: Path
    """The run's samples/."""
    best: bool
    """Whether the sample goes to samples/best/ too."""
    averaged: bool = False
    """Whether its weights are a running mean over training."""
    sentences: tuple[str, ...]
    reference: Path
    reference_text: str | None = None
    """What the reference says; not every model needs it."""
    language: str
    generation: Generation = field(default_factory=Generation)
    seed: int = 0
    num_seeds: int = 1
    """Every sentence is spoken with so many, from `seed` on: what differs between them is noise."""
    sample_rate: int = 22050
    precision: Asked = "auto"
    """Of the weights that speak."""
    held_out: Path | None = None
    """Clips to measure packed weights with; None, or no such file, leaves them unmeasured."""

    @property
    def seeds(self) -> range:
        """All that every sentence is spoken with."""
        return range(self.seed, self.seed + self.num_seeds)

    def to_json(self) -> dict[str, Any]:
        """Turn into what `from_json` reads."""
        return {
            **asdict(self),
            **{name: _text(getattr(self, name)) for name in ("checkpoint", "folder", "reference", "held_out")},
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "SampleJob":
        """Read what `to_json` wrote."""
        return cls(
            **{
                **content,
                "checkpoint": Path(content["checkpoint"]) if content["checkpoint"] else None,
                "held_out": Path(content["held_out"]) if content["held_out"] else None,
                "folder": Path(content["folder"]),
                "reference": Path(content["reference"]),
                "sentences": tuple(content["sentences"]),
                "generation": Generation(**content["generation"]),
                "staged": Staged(**content["staged"]) if content.get("staged") else None,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleResult:
    """How a job ended; a failure is a value, never an exception in the training process."""

    name: str
    epoch: int
    step: int
    status: Literal["spoken", "failed", "skipped"]
    mode: str
    """Who spoke: background, isolated, inline."""
    seconds: float = 0.0
    """From the start of the job to its last file."""
    audio_seconds: float = 0.0
    files: tuple[str, ...] = ()
    """Names in samples/, the first sentence first; further seeds after all sentences."""
    best: bool = False
    reason: str = ""
    """Why it failed or was skipped."""

    @classmethod
    def unspoken(
        cls, job: SampleJob, *, mode: str, status: Literal["failed", "skipped"], reason: str
    ) -> "SampleResult":
        """The result of a job that was not spoken."""
        return cls(
            name=job.name,
            epoch=job.epoch,
            step=job.step,
            status=status,
            mode=mode,
            best=job.best,
            reason=reason,
        )

    def to_json(self) -> dict[str, Any]:
        """Turn into what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "SampleResult":
        """Read what `to_json` wrote."""
        return cls(**{**content, "files": tuple(content["files"])})


def generation_of(sampling: SamplingSettings) -> Generation:
    """How codes are chosen, as the settings have it."""
    return Generation(
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        repetition_penalty=sampling.repetition_penalty,
        steps=sampling.steps,
        guidance=sampling.guidance,
    )


def cause(error: Exception) -> str:
    """Say why something failed: plain words where there are some, else the kind of error and its first line."""
    if isinstance(error, EscutaError | OSError):
        return str(error)
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _text(path: Path | None) -> str | None:
    return str(path) if path else None

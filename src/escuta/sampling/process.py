"""One speaking process, as the training process sees it."""

from dataclasses import dataclass
from pathlib import Path

from escuta.run.child import Child
from escuta.sampling.job import SampleJob
from escuta.sampling.worker import command


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a speaking process is started with."""

    base: Path
    """Folder of the base model."""
    device: str
    """Where it computes."""
    threads: int
    """CPU threads it may use."""
    timeout_seconds: float
    """Silence after which it is taken for hung."""
    inherited: tuple[int, ...] = ()
    """File descriptors of memory that weights are staged in."""


class SpeakingProcess(Child):
    """Start a process that speaks.

    Args:
        workplace: What it is started with.
        mode: How the samples name their speaker.
        nice: Added to the niceness of training: 0 is as important, 19 the least.

    Raises:
        OSError: No process can be started: no memory or no handles are left.
    """

    def __init__(self, workplace: Workplace, *, mode: str, nice: int) -> None:
        super().__init__(
            command(workplace.base, device=workplace.device, threads=workplace.threads, mode=mode),
            nice=nice,
            threads=workplace.threads,
            inherited=workplace.inherited,
        )

    def send(self, job: SampleJob) -> None:
        """Hand over a job."""
        self.tell(job.to_json())

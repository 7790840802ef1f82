"""What one training is asked to do, found complete and consistent before anything runs."""

from dataclasses import dataclass
from pathlib import Path

from escuta.data.batches import BatchLimits
from escuta.data.dataset import Dataset
from escuta.data.inventory import Inventory
from escuta.data.sentences import Audition
from escuta.models.bases import Base
from escuta.run.checkpoints import Progress
from escuta.run.folder import RunFolder
from escuta.sampling.job import SampleJob, generation_of
from escuta.scoring.rule import Rule, choose
from escuta.settings import Settings


@dataclass(frozen=True, slots=True)
class Assignment:
    """One training."""

    run: RunFolder
    settings: Settings
    language: str
    base: Base
    base_fingerprint: str
    dataset: Dataset
    inventory: Inventory
    """Of the dataset's clips."""
    audition: Audition
    """What every checkpoint says, and in whose voice; the same for the whole run."""
    resumed: Progress | None
    """Where to continue; None begins with the base model."""
    resumed_from: Path | None = None
    """The checkpoint that is continued. Not its content: while somebody holds that, its disk is not given back."""
    rule: Rule = choose
    """Chooses the best checkpoint by score."""
    advised: tuple[str, ...] = ()
    """Settings of training that nobody gave, chosen by how much there is to learn from."""
    processes: int = 1
    """How many train together."""

    @property
    def batch_limits(self) -> BatchLimits:
        """How much is learned from at once."""
        return BatchLimits(self.settings.training.batch_size, self.settings.training.batch_seconds)

    @property
    def num_seeds(self) -> int:
        """With how many seeds the base model and the best checkpoint speak: one where nobody scores them."""
        return self.settings.scores.num_seeds if self.settings.scores.enabled else 1

    def job(self, *, epoch: int, step: int, checkpoint: Path | None, best: bool, name: str) -> SampleJob:
        """What a checkpoint of this training is asked to say."""
        sampling = self.settings.sampling
        return SampleJob(
            name=name,
            epoch=epoch,
            step=step,
            checkpoint=checkpoint,
            folder=self.run.samples,
            best=best,
            averaged=checkpoint is not None and self.settings.training.ema_decay is not None,
            sentences=tuple(sentence.text for sentence in self.audition.sentences),
            reference=self.audition.reference.resolve(),
            reference_text=self.audition.reference_text,
            language=self.language,
            generation=generation_of(sampling),
            seed=self.settings.seed,
            num_seeds=self.num_seeds if checkpoint is None else 1,
            sample_rate=sampling.sample_rate,
            precision=sampling.precision,
            held_out=self.run.held_out.resolve(),
        )

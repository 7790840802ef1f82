"""One process that speaks checkpoints of a run, exactly as they would have been spoken while it trained."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from escuta.data.sentences import read_sentences
from escuta.engine.faithfulness import Asked
from escuta.errors import CheckpointError, EscutaError, RunError, SettingsError
from escuta.messages import _
from escuta.models.base import VoiceModel
from escuta.models.load import load_model
from escuta.run.checkpoints import read_checkpoint, read_weights
from escuta.run.folder import RunFolder
from escuta.run.publish import remove_partials
from escuta.sampling.fingerprint import fingerprint
from escuta.sampling.freshness import Sample, answers, is_newer, is_of_weights, read_sample, record
from escuta.sampling.job import SampleJob, SampleResult, cause, generation_of
from escuta.sampling.speakers import speaking_threads
from escuta.sampling.speaking import Voice
from escuta.settings import load_settings

MODE = "later"
"""How such samples name their speaker."""

BASE = "epoch_0"
"""What the base model's own sample is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How the checkpoints are spoken, where that is not the run's own way."""

    device: str = "cpu"
    precision: Asked | None = None
    """Of the weights that speak; None is the run's own."""
    again: bool = False
    """Make up-to-date samples anew."""
    sentences: Path | None = None
    """Other texts, one a line."""
    out: Path | None = None
    """Where the samples go; None is the run's samples/."""


class Recital:
    """What a run's checkpoints say, and whether they have said it; the model is loaded when the first one speaks.

    Raises:
        DataError: The sentences wished for cannot be read or spoken.
        ModelError: They need the base model, and that is gone or damaged.
        RunError: The run's own files are damaged.
        SettingsError: The samples would take the place of the run's.
    """

    def __init__(self, run: RunFolder, wish: Wish) -> None:
        if wish.sentences and not wish.out:
            raise SettingsError(
                _("--sentences {file}: needs --out FOLDER; the run's samples/ holds what the run itself says.").format(
                    file=wish.sentences
                )
            )
        if wish.out and wish.out.resolve().is_relative_to(run.samples.resolve()):
            raise SettingsError(
                _("--out {folder}: holds the run's own samples; expected a folder of its own.").format(folder=wish.out)
            )
        self._run = run
        self._wish = wish
        self.device = wish.device
        facts, settings = run.read_facts(), load_settings(run.settings, environment={})
        self._threads = speaking_threads(settings.sampling)
        self.from_dataset = not (wish.sentences or settings.sampling.sentences)
        try:
            self._of_base = SampleJob(
                name=BASE,
                epoch=0,
                step=0,
                checkpoint=None,
                folder=wish.out or run.samples,
                best=False,
                sentences=tuple(sentence["text"] for sentence in facts["sentences"]),
                reference=Path(facts["reference"]),
                reference_text=facts.get("reference_text"),
                language=facts["language"],
                generation=generation_of(settings.sampling),
                seed=settings.seed,
                num_seeds=settings.scores.num_seeds if settings.scores.enabled else 1,
                sample_rate=settings.sampling.sample_rate,
                precision=wish.precision or settings.sampling.precision,
                held_out=run.held_out,
            )
        except (KeyError, TypeError):
            raise RunError(
                _("{file}: lacks the sentences of the run; expected what a training wrote.").format(file=run.facts)
            ) from None
        if wish.sentences:
            texts = self._read_sentences(wish.sentences, self._of_base.language)
            self._of_base = replace(self._of_base, sentences=texts)

    def job(self, name: str, checkpoint: Path | None) -> SampleJob:
        """What `checkpoint`, or the base model, is to say; its place in the training is filled in when it speaks."""
        job = replace(self._of_base, name=name, checkpoint=checkpoint)
        if self._wish.out:
            return replace(job, num_seeds=1)
        best, by_score = (_is(checkpoint, one) for one in (self._run.best_checkpoint, self._run.best_by_score))
        is_heard_again = by_score if self._run.best_by_score.exists() else best
        seeds = self._of_base.num_seeds if checkpoint is None or is_heard_again else 1
        return replace(job, best=best, num_seeds=seeds)

    def is_up_to_date(self, job: SampleJob, *, reading: bool) -> bool:
        """Whether the sample of `job` is there, as it would be made now.

        Args:
            job: From `job`.
            reading: Whether weights may be read and compared where times say nothing.
        """
        sample = read_sample(job)
        if self._wish.again or sample is None or not answers(sample, job):
            return False
        if self._is_unchanged(sample, job):
            return True
        try:
            return reading and is_of_weights(sample, job, lambda: self._fingerprint(job))
        except CheckpointError:
            return False  # said when it is to speak

    def speak(self, job: SampleJob) -> SampleResult:
        """Speak `job`; what keeps this one from it is a result.

        Raises:
            ModelError: The base model of the run is gone or damaged.
            OSError: The files cannot be written.
        """
        voice = self._voice
        try:
            job = _placed(job)
            remove_partials(job.folder, f"{job.name}[._]*")
            remove_partials(job.folder / "best", f"{job.name}[._]*")
            record(job).unlink(missing_ok=True)  # if this is killed, files of two makings must not pass for one
            result = voice.speak(job)
            voice.check()
            return result
        except (EscutaError, MemoryError, torch.OutOfMemoryError) as error:
            return SampleResult.unspoken(job, mode=MODE, status="failed", reason=cause(error))

    @cached_property
    def _model_and_base(self) -> tuple[VoiceModel, Mapping[str, Tensor]]:
        """The model, and the tensors that it began with."""
        torch.set_num_threads(self._threads)  # sums depend on it, in their last digits
        model = load_model(self._run.base_folder(), uses=["speaking"], device=self._wish.device)
        return model, model.trained_tensors()

    @cached_property
    def _voice(self) -> Voice:
        return Voice(self._model_and_base[0], MODE)

    def _read_sentences(self, file: Path, language: str) -> tuple[str, ...]:
        sentences = read_sentences(file, lambda text: self._model_and_base[0].text_problems(text, language))
        return tuple(sentence.text for sentence in sentences)

    def _is_unchanged(self, sample: Sample, job: SampleJob) -> bool:
        """Whether the file that would speak is, by its name, place and time, the one that spoke."""
        if job.folder != self._run.samples:
            return False  # nothing says which run it was that spoke into a folder of its own
        if job.checkpoint:
            is_same = job.checkpoint == self._run.checkpoints / str(sample.checkpoint)
            return is_same and is_newer(job, [job.checkpoint])
        try:
            return is_newer(job, self._run.base_folder().iterdir())
        except OSError:
            return False

    def _fingerprint(self, job: SampleJob) -> str:
        return fingerprint(read_weights(job.checkpoint) if job.checkpoint else self._model_and_base[1])


def _is(checkpoint: Path | None, best: Path) -> bool:
    return checkpoint is not None and best.exists() and best.samefile(checkpoint)


def _placed(job: SampleJob) -> SampleJob:
    """Say where in the training the checkpoint of `job` was written."""
    if job.checkpoint is None:
        return job
    checkpoint = read_checkpoint(job.checkpoint)
    progress = checkpoint.progress
    epoch = progress.epoch + (progress.micro_steps_in_epoch > 0)  # the one under way
    return replace(job, epoch=epoch, step=progress.step, averaged=checkpoint.averaged)

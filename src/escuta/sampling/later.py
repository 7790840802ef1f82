"""Checkpoints of a run spoken after the fact, exactly as they would have been while it trained."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from escuta.errors import EscutaError, RunError
from escuta.messages import _
from escuta.models.load import load_model
from escuta.run.checkpoints import find_checkpoint, list_checkpoints, read_checkpoint
from escuta.run.folder import RunFolder
from escuta.sampling.job import SampleJob, SampleResult, generation_of
from escuta.sampling.narration import announce, describe
from escuta.sampling.speakers import speaking_threads
from escuta.sampling.speaking import Voice
from escuta.settings import Settings, load_settings
from escuta.terminal import Terminal

MODE = "later"
"""How such samples name their speaker."""

BASE = "epoch_0"
"""What the base model's own sample is called."""


def choose_checkpoints(
    run: RunFolder, *, every: bool, missing: bool, names: Sequence[str]
) -> list[tuple[str, Path | None]]:
    """Choose what to speak: names of samples with their checkpoints, None for the base model.

    Args:
        run: The run.
        every: All that there are, and the base model.
        missing: Of these, those that have no sample yet.
        names: Some more: files, or names in the run's checkpoints/.

    Raises:
        CheckpointError: One of `names` is not there.
        RunError: There is nothing to speak.
    """
    chosen: dict[str, Path | None] = {}
    if every or missing:
        chosen[BASE] = None
        chosen |= {sample_name(path): path for path in list_checkpoints(run)}
    if missing:
        chosen = {name: path for name, path in chosen.items() if not (run.samples / f"{name}.json").exists()}
    for name in names:
        path = find_checkpoint(run, name)
        chosen[sample_name(path)] = path
    return list(chosen.items())


def sample_name(checkpoint: Path) -> str:
    """How a checkpoint's samples are named: `epoch_3` of checkpoint_epoch_3.pt; else what the checkpoint says it is."""
    if match := re.fullmatch(r"checkpoint_((?:epoch|step)_\d+)\.pt", checkpoint.name):
        return match[1]
    progress = read_checkpoint(checkpoint).progress
    return f"step_{progress.step}" if progress.micro_steps_in_epoch else f"epoch_{progress.epoch}"


def speak_later(
    run: RunFolder, chosen: Sequence[tuple[str, Path | None]], *, device: str, terminal: Terminal
) -> list[SampleResult]:
    """Speak `chosen` one after the other; return those that failed.

    Raises:
        ModelError: The base model of the run is gone or damaged.
        RunError: The run's own files are damaged.
    """
    facts, settings = run.read_facts(), load_settings(run.settings, environment={})
    of_base = _job_of_base(run, facts, settings)
    if not chosen:
        terminal.say(_("Nothing to speak: every checkpoint has its sample."))
        return []
    torch.set_num_threads(speaking_threads(settings.sampling))  # sums depend on it, in their last digits
    voice = Voice(load_model(run.base_folder(), uses=["speaking"], device=device), MODE)
    from_dataset = settings.sampling.sentences is None
    results = []
    for name, checkpoint in chosen:
        job = replace(of_base, name=name, checkpoint=checkpoint)
        try:
            job = _placed(job, run)
            terminal.say(*announce(job, mode=MODE, device=device, from_dataset=from_dataset))
            result = voice.speak(job)
        except EscutaError as error:
            result = SampleResult.unspoken(job, mode=MODE, status="failed", reason=str(error))
        terminal.say(*describe(result, run.samples))
        results.append(result)
    return [result for result in results if result.status == "failed"]


def _job_of_base(run: RunFolder, facts: Mapping[str, Any], settings: Settings) -> SampleJob:
    try:
        return SampleJob(
            name=BASE,
            epoch=0,
            step=0,
            checkpoint=None,
            folder=run.samples,
            best=False,
            sentences=tuple(sentence["text"] for sentence in facts["sentences"]),
            reference=Path(facts["reference"]),
            language=facts["language"],
            generation=generation_of(settings.sampling),
            seed=settings.seed,
            sample_rate=settings.sampling.sample_rate,
        )
    except (KeyError, TypeError):
        raise RunError(
            _("{file}: lacks the sentences of the run; expected what a training wrote.").format(file=run.facts)
        ) from None


def _placed(job: SampleJob, run: RunFolder) -> SampleJob:
    """Say where in the training the checkpoint of `job` was written, and whether it is the best."""
    if job.checkpoint is None:
        return job
    progress, best = read_checkpoint(job.checkpoint).progress, run.best_checkpoint
    return replace(
        job,
        epoch=progress.epoch + (progress.micro_steps_in_epoch > 0),  # the one under way
        step=progress.step,
        best=best.exists() and best.samefile(job.checkpoint),
    )

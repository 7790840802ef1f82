"""`escuta train --dry-run`: everything is checked and planned, a step is tried, and nothing is written."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from escuta.data.feature_cache import decode
from escuta.data.feature_worker import compute
from escuta.data.features import ClipFeatures
from escuta.errors import RunError
from escuta.messages import _
from escuta.models.base import Features
from escuta.models.load import load_model
from escuta.sampling.memory import peak_bytes
from escuta.terminal import Terminal
from escuta.training.assignment import Assignment
from escuta.training.learner import Learner, uses_for
from escuta.training.needs import memory_told, needs, needs_rows, problems
from escuta.training.pace import duration
from escuta.training.plan import Plan, aligned, padded_seconds, plan, plan_rows
from escuta.training.preparation import find_features
from escuta.training.request import Request, assign


@dataclass(frozen=True, slots=True)
class Trial:
    """What one step and one validation took on this machine."""

    step_seconds: float
    """Of the longest batch, after a first step that counts for nothing."""
    audio_seconds: float
    """Of that batch, padding counted."""
    validation_seconds: float
    """For a second of audio."""
    feature_seconds: float
    """For a second of audio; 0 where all are kept already."""
    memory_bytes: int
    """The most that was taken, of the GPU where it computed on one."""


def rehearse(request: Request, terminal: Terminal) -> None:
    """Tell what `request` would do and need; train nothing and write nothing.

    Raises:
        EscutaError: It would not run; every reason at once.
    """
    assignment = assign(request, terminal)
    planned = plan(assignment)
    features = find_features(assignment)
    missing = features.missing()
    seconds = [clip.seconds for clip in (*assignment.dataset.train, *assignment.dataset.held_out)]
    missing_seconds = sum(
        clip_seconds for clip, clip_seconds in zip(features.clips, seconds, strict=True) if clip.key in missing
    )
    found = needs(assignment, planned, missing_seconds)
    rows = plan_rows(assignment, planned)
    reasons = problems(assignment, found)
    if reasons:
        terminal.say(*aligned([*rows, *needs_rows(found, None)]))
        raise RunError(*reasons)
    with memory_told(assignment.settings.training):
        trial = try_out(assignment, planned, features, terminal)
    rows += needs_rows(found, trial.memory_bytes)
    if missing:
        rows.append(
            (
                _("Features"),
                _("of {n} clips, {duration} at most").format(
                    n=len(missing), duration=duration(trial.feature_seconds * missing_seconds)
                ),
            )
        )
    rows.append((_("Time"), _time(assignment, planned, trial)))
    terminal.say(*aligned(rows), _("This was a dry run: nothing was written. Leave --dry-run out to train."))


def try_out(assignment: Assignment, planned: Plan, features: ClipFeatures, terminal: Terminal) -> Trial:
    """Take two steps with the longest batch and validate one, in memory.

    Raises:
        DataError: A recording cannot be read.
        ModelError: The base model cannot be used.
    """
    settings = assignment.settings
    num_train = len(planned.clip_seconds)
    held_out_seconds = [clip.seconds for clip in assignment.dataset.held_out]
    (held_out, *_others) = assignment.batch_limits.batches(range(len(held_out_seconds)), held_out_seconds)
    numbers = [*planned.longest, *(num_train + clip for clip in held_out)]
    with terminal.progress(_("Trying a step"), 4) as advance:
        clips, feature_seconds = _features(features, numbers)
        learned, validated = clips[: len(planned.longest)], clips[len(planned.longest) :]
        advance("")
        model = load_model(assignment.base.folder, uses=uses_for(settings.training))
        learner = Learner(model, settings.training, settings.seed)
        batch = model.collate(learned, torch.Generator().manual_seed(settings.seed))
        learner.step([batch])  # the first makes room for the optimizer
        advance("")
        step_seconds = _timed(lambda: learner.step([batch]))
        advance("")
        validation_seconds = _timed(lambda: learner.validate([model.collate(validated, None)]))
        advance("")
    on_gpu = learner.device.type == "cuda"
    computed_seconds = sum([*planned.clip_seconds, *held_out_seconds][number] for number in numbers)
    return Trial(
        step_seconds=step_seconds,
        audio_seconds=padded_seconds(planned.longest, planned.clip_seconds),
        validation_seconds=validation_seconds / padded_seconds(held_out, held_out_seconds),
        feature_seconds=feature_seconds / computed_seconds,
        memory_bytes=torch.cuda.max_memory_allocated(learner.device) if on_gpu else peak_bytes(),
    )


def _features(features: ClipFeatures, numbers: Sequence[int]) -> tuple[list[Features], float]:
    """Features of some clips, none of them written; and what computing them took, 0 where all were there."""
    there = [features.cache.read(features.clips[number].key) for number in numbers]
    if all(there):
        return [one for one in there if one], 0.0
    started = time.perf_counter()
    contents = compute(features.base, [features.clips[number].job for number in numbers])
    computed = [one for content in contents if (one := decode(content))]
    return computed, time.perf_counter() - started


def _time(assignment: Assignment, planned: Plan, trial: Trial) -> str:
    """About how long all epochs take."""
    held_out_seconds = sum(clip.seconds for clip in assignment.dataset.held_out)
    epoch_seconds = (
        planned.padded_seconds * trial.step_seconds / trial.audio_seconds + held_out_seconds * trial.validation_seconds
    )
    return _("about {total}, {epoch} an epoch (a step of {audio:.0f} s of audio took {step:.1f} s here)").format(
        total=duration(planned.epochs_left * epoch_seconds),
        epoch=duration(epoch_seconds),
        audio=trial.audio_seconds,
        step=trial.step_seconds,
    )


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started

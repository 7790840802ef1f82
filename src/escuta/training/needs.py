"""What a training needs of a machine, and what there is."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from escuta.engine.linear import Precision
from escuta.errors import InstallError
from escuta.messages import _
from escuta.models.load import batch_bytes, speaking_bytes, trained_bytes
from escuta.run.folder import RunFolder
from escuta.sampling.job import cause
from escuta.sampling.memory import available_bytes, own_bytes
from escuta.settings import TrainingSettings
from escuta.training.assignment import Assignment
from escuta.training.footprint import Counts, Footprint, footprint
from escuta.training.learner import learning_of
from escuta.training.plan import Plan, device_kind, padded_seconds
from escuta.training.precision import arithmetic_on
from escuta.training.preparation import cache_folder

FEATURE_BYTES = 200_000 / 7
"""Of a second of audio; 200 kB for 7 s of XTTS-v2's features, measured."""

SOUND_BYTES = 2 * 24_000
"""Of a second, where a decoder learns its sound too."""

SAMPLE_BYTES = 2
"""Of a number in a sample file."""

OUT_OF_MEMORY = ("out of memory", "DefaultCPUAllocator", "ALLOC_FAILED")
"""What PyTorch says of a GPU, a CPU and cuBLAS; for some of them it has no exception of their own."""


@dataclass(frozen=True, slots=True)
class Need:
    """So much of something."""

    needed_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Needs:
    """All that a training needs."""

    learning: Need
    """Memory that it cannot do without, of the GPU where it learns on one."""
    checkpoints_bytes: int
    """Memory for checkpoints on their way to the disk; where it is lacking, training waits for the disk instead."""
    speaking_bytes: int
    """Memory of who speaks; where it is lacking, nobody speaks."""
    disk: Need
    """Where the run lies."""
    cache: Need
    """Where features are kept."""


def needs(assignment: Assignment, plan: Plan, missing_seconds: float) -> Needs:
    """Add up what `assignment` needs.

    Args:
        assignment: What is trained.
        plan: Of it.
        missing_seconds: Of audio whose features are still to be computed.

    Raises:
        ModelError: The base model cannot be used.
    """
    settings, run = assignment.settings, assignment.run.path
    weights = trained_bytes(assignment.base.folder, learning_of(settings.training))
    learning = _learning(assignment, plan, weights // 4)
    checkpoint = weights + learning.moments + learning.average
    scored = settings.training.keep_top if settings.scores.enabled and settings.sampling.mode != "off" else 0
    at_once = min(plan.saved, settings.training.keep_last + 1 + scored) + 1  # the best, and one that is being written
    kept = _kept(assignment.run) if assignment.resumed else 0
    sentences = len(assignment.audition.sentences)
    held_out = assignment.dataset.held_out
    spoken_seconds = plan.spoken * sentences * sum(clip.seconds for clip in held_out) / len(held_out)
    samples = int(spoken_seconds * settings.sampling.sample_rate * SAMPLE_BYTES)
    feature_bytes = FEATURE_BYTES + (SOUND_BYTES if settings.training.learns_sound else 0)
    return Needs(
        learning=Need(learning.bytes, _free_memory(assignment)),
        checkpoints_bytes=checkpoint,
        speaking_bytes=_speaking(assignment),
        disk=Need(max(0, at_once * checkpoint - kept) + samples, _free_disk(run)),
        cache=Need(int(missing_seconds * feature_bytes), _free_disk(cache_folder(assignment))),
    )


def needs_rows(needs: Needs, measured_bytes: int | None) -> list[tuple[str, str]]:
    """What people are told of it."""
    learning = measured_bytes or needs.learning.needed_bytes
    text = _("{gb} to learn, {checkpoints} for checkpoints, {speaking} to speak; {free} free")
    return [
        (
            _("Memory"),
            text.format(
                gb=size(learning),
                checkpoints=size(needs.checkpoints_bytes),
                speaking=size(needs.speaking_bytes),
                free=size(needs.learning.free_bytes),
            ),
        ),
        (
            _("Disk"),
            _("{needed}; {free} free").format(needed=size(needs.disk.needed_bytes), free=size(needs.disk.free_bytes)),
        ),
    ]


def problems(assignment: Assignment, needs: Needs) -> list[str]:
    """Why it would not run: one line each."""
    found = []
    if needs.learning.needed_bytes > needs.learning.free_bytes:
        found.append(
            _(
                "memory: {free} are free; training needs {needed}. End other programs, or lower training.batch_size."
            ).format(free=size(needs.learning.free_bytes), needed=size(needs.learning.needed_bytes))
        )
    found += disk_problems(assignment, needs)
    run = assignment.run.path
    is_file = any(one.is_file() for one in (run, *run.absolute().parents))
    if is_file or not os.access(_nearest(run), os.W_OK):
        found.append(
            _("{run}: cannot be written ({reason}). Choose another folder with --out.").format(
                run=run, reason=_("it is a file, or in one") if is_file else _("permission denied")
            )
        )
    return found


@contextmanager
def memory_told(training: TrainingSettings) -> Iterator[None]:
    """While entered, memory that does not suffice for learning is told in plain words.

    Raises:
        InstallError: It did not.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not (isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)):
            raise
        raise InstallError(
            _(
                "{device}: out of memory with up to {n} clips at once ({reason}); expected room for them. Lower "
                "training.batch_size and raise training.accumulation_steps as much, or set "
                "training.activation_checkpointing. Finished checkpoints are kept: go on with --resume."
            ).format(device=device_kind(training), n=training.batch_size, reason=cause(error))
        ) from None


def disk_problems(assignment: Assignment, needs: Needs) -> list[str]:
    """Where it would fill a disk: one line each."""
    found = []
    run, cache = assignment.run.path, cache_folder(assignment)
    rooms = [(run, needs.disk), (cache, needs.cache)]
    if _disk(run) == _disk(cache):
        rooms = [(run, Need(needs.disk.needed_bytes + needs.cache.needed_bytes, needs.disk.free_bytes))]
    for folder, need in rooms:
        if need.needed_bytes > need.free_bytes:
            found.append(
                _(
                    "{folder}: {free} are free; this training needs {needed}. Make room, choose another place, or "
                    "lower training.keep_last."
                ).format(folder=folder, free=size(need.free_bytes), needed=size(need.needed_bytes))
            )
    return found


def size(num_bytes: float) -> str:
    """So many bytes, as people say it."""
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e8 else f"{num_bytes / 1e6:.0f} MB"


def _learning(assignment: Assignment, plan: Plan, num_weights: int) -> Footprint:
    """What learning takes; nearly all weights are in matrices and count so; LoRA's few are not counted."""
    training = assignment.settings.training
    arithmetic = arithmetic_on(torch.device(device_kind(training)), training.precision)
    activations = batch_bytes(
        assignment.base.folder,
        len(plan.longest),
        padded_seconds(plan.longest, plan.clip_seconds) / len(plan.longest),
        2 if arithmetic == "bf16" else 4,
        learning_of(training),
    )
    counts = Counts(weights=num_weights, matrices=num_weights, learning=0 if training.lora_rank else num_weights)
    return footprint(counts, training, arithmetic, activations)


def _kept(run: RunFolder) -> int:
    files = {file.st_ino: file for path in run.checkpoints.glob("*.pt") for file in (path.stat(),)}  # links count once
    return sum(file.st_size for file in files.values())


def _speaking(assignment: Assignment) -> int:
    sampling = assignment.settings.sampling
    if sampling.mode not in ("background", "isolated") or sampling.device != "cpu":
        return 0
    precision: Precision = "int8" if sampling.precision == "auto" else sampling.precision
    return speaking_bytes(assignment.base.folder, precision)


def _free_memory(assignment: Assignment) -> int:
    if device_kind(assignment.settings.training) == "cuda":
        return torch.cuda.mem_get_info()[0]
    return available_bytes() + own_bytes()


def _free_disk(folder: Path) -> int:
    return shutil.disk_usage(_nearest(folder)).free


def _disk(folder: Path) -> int:
    return _nearest(folder).stat().st_dev


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    return next(one for one in (folder, *folder.absolute().parents) if one.is_dir())

"""Checkpoints of a run: written whole, read without running anything, removed only when nobody needs them."""

import pickle
import re
import struct
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from escuta.errors import CheckpointError
from escuta.messages import _
from escuta.run.folder import RunFolder
from escuta.run.mapped import MappedTensors
from escuta.run.publish import publish_copy, publish_torch

FORMAT = 1
"""Of the checkpoint file; readers refuse what they do not know."""

AVERAGE = "average"
"""Where the state of an optimizer keeps what a running mean goes on from, beside a mean as the model."""

_DAMAGE = (
    *(RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError, EOFError, OverflowError),
    *(pickle.UnpicklingError, struct.error, MemoryError, OSError),
)
"""What PyTorch raises on bytes that `torch.save` did not write, and on what is more than plain data."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training has come."""

    epoch: int = 0
    """Epochs finished."""
    step: int = 0
    """Optimizer steps taken in all."""
    micro_steps_in_epoch: int = 0
    """Batches taken of the epoch under way; 0 at its start."""
    best_val_loss: float | None = None
    """The lowest so far."""
    best_epoch: int | None = None
    """The epoch that reached it."""
    order: str = ""
    """Tells the batches of the epoch under way from others; empty at its start."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that a training continues from."""

    family: str
    base_fingerprint: str
    progress: Progress
    val_loss: float | None
    model: Mapping[str, Tensor]
    """The trained tensors under the release's names."""
    optimizer: Mapping[str, Any]
    random_state: Mapping[str, Any]

    @property
    def averaged(self) -> bool:
        """Whether the model is a running mean of the weights that learn."""
        return AVERAGE in self.optimizer


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` under `path`, whole or not at all.

    Raises:
        OSError: The disk is full or the folder cannot be written.
    """
    write_tables(path, checkpoint.model, state_table(checkpoint))


def write_tables(path: Path, weights: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write a checkpoint that is at hand in two parts, its `model` and its `state_table`.

    Raises:
        OSError: The disk is full or the folder cannot be written.
    """
    publish_torch(path, {"model_state_dict": dict(weights), **state})


def state_table(checkpoint: Checkpoint) -> dict[str, Any]:
    """All that the file holds of a checkpoint besides its weights."""
    progress = checkpoint.progress
    return {
        "format": FORMAT,
        "family": checkpoint.family,
        "base_fingerprint": checkpoint.base_fingerprint,
        "epoch": progress.epoch,
        "step": progress.step,
        "micro_steps_in_epoch": progress.micro_steps_in_epoch,
        "best_val_loss": progress.best_val_loss,
        "best_epoch": progress.best_epoch,
        "order": progress.order,
        "val_loss": checkpoint.val_loss,
        "optimizer_state_dict": dict(checkpoint.optimizer),
        "random_state": dict(checkpoint.random_state),
    }


def read_checkpoint(path: Path, *, device: str = "cpu") -> Checkpoint:
    """Read a checkpoint of escuta; tensors are memory-mapped until they are used.

    Raises:
        CheckpointError: It is missing, truncated, of another program, or holds anything but plain data.
    """
    content = _load(path, device)
    try:
        return Checkpoint(
            family=content["family"],
            base_fingerprint=content["base_fingerprint"],
            progress=Progress(
                epoch=content["epoch"],
                step=content["step"],
                micro_steps_in_epoch=content["micro_steps_in_epoch"],
                best_val_loss=content["best_val_loss"],
                best_epoch=content["best_epoch"],
                order=content.get("order", ""),  # unknown to the first versions
            ),
            val_loss=content["val_loss"],
            model=content["model_state_dict"],
            optimizer=content["optimizer_state_dict"],
            random_state=content["random_state"],
        )
    except KeyError as error:
        raise CheckpointError(
            _("{path}: {missing} is missing; expected a checkpoint written by escuta. Choose another.").format(
                path=path, missing=error
            )
        ) from None


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """Read the trained tensors of a checkpoint, each copied when it is asked for: the file never fills the memory.

    Raises:
        CheckpointError: As `read_checkpoint` has it.
    """
    return MappedTensors(read_checkpoint(path).model)


def mark_best(run: RunFolder, checkpoint: Path) -> None:
    """Let best_model.pt name the content of `checkpoint`, without a second copy where the disk has hard links."""
    publish_copy(checkpoint, run.best_checkpoint)


def restore_best(run: RunFolder, best_epoch: int | None) -> None:
    """Let best_model.pt name the best epoch's checkpoint, where a kill came between the two.

    Raises:
        OSError: The disk is full or the folder cannot be written.
    """
    best = run.epoch_checkpoint(best_epoch or 0)
    if best.exists() and not (run.best_checkpoint.exists() and run.best_checkpoint.samefile(best)):
        mark_best(run, best)


def list_checkpoints(run: RunFolder) -> list[Path]:
    """List the checkpoints of epochs and steps, oldest first; the bests and last.pt are not among them."""
    found = []
    for path in run.checkpoints.glob("checkpoint_*.pt"):
        if match := re.fullmatch(r"checkpoint_(epoch|step)_(\d+)\.pt", path.name):
            found.append((path.stat().st_mtime_ns, match[1], int(match[2]), path))
    return [path for *_order, path in sorted(found)]


def find_checkpoint(run: RunFolder, name: str) -> Path:
    """Find a checkpoint by its path, or by its name in the run's checkpoints/.

    Raises:
        CheckpointError: It is not there; the message lists those that are.
    """
    for path in (run.checkpoints / name, Path(name)):
        if path.is_file():
            return path
    bests = [run.best_checkpoint, run.best_by_score]
    there = [path.name for path in [*list_checkpoints(run), *bests] if path.exists()]
    raise CheckpointError(
        _("{name}: not found; there are {names} in {folder}.").format(
            name=name, names=", ".join(there) or _("no checkpoints"), folder=run.checkpoints
        )
    )


def newest_state(run: RunFolder, on_damaged: Callable[[str], None]) -> tuple[Path, Checkpoint] | tuple[None, None]:
    """Find and read what `--resume` continues from: the checkpoint or interrupted state with the most steps.

    Args:
        run: The run.
        on_damaged: Told of each that cannot be read, when another can.

    Raises:
        CheckpointError: None of them can be read.
    """
    candidates = [*list_checkpoints(run), *(path for path in [run.last_state] if path.exists())]
    sound: list[tuple[Path, Checkpoint]] = []
    problems: list[str] = []
    for path in candidates:
        try:
            sound.append((path, read_checkpoint(path)))
        except CheckpointError as error:
            problems += error.problems
    if problems and not sound:
        raise CheckpointError(*problems)
    for problem in problems:
        on_damaged(problem)
    return max(sound, key=lambda found: found[1].progress.step, default=(None, None))


def prune_checkpoints(run: RunFolder, keep_last: int, needed: Collection[Path]) -> list[Path]:
    """Remove all but the last `keep_last` checkpoints, both bests, and those `needed`; return what was removed."""
    removed = [path for path in list_checkpoints(run)[:-keep_last] if _is_spare(run, path, needed)]
    for path in removed:
        path.unlink()
    return removed


def sacrifice_checkpoint(run: RunFolder, needed: Collection[Path]) -> Path | None:
    """Remove the oldest checkpoint that is no best, not `needed`, nor the only one to continue from; return it."""
    there = list_checkpoints(run)
    older = there if run.last_state.exists() else there[:-1]
    spare = next((path for path in older if _is_spare(run, path, needed)), None)
    if spare:
        spare.unlink()
    return spare


def _is_spare(run: RunFolder, path: Path, needed: Collection[Path]) -> bool:
    bests = (run.best_checkpoint, run.best_by_score)
    return path not in needed and not any(best.exists() and best.samefile(path) for best in bests)


def _load(path: Path, device: str) -> Mapping[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "pickle protocol 4" and the like: what cannot be read is refused anyway
            content = torch.load(path, map_location=device, weights_only=True, mmap=True)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise CheckpointError(
            _("{path}: cannot be read ({reason}); expected a checkpoint.").format(path=path, reason=error.strerror)
        ) from None
    except _DAMAGE:
        raise CheckpointError(
            _(
                "{path}: damaged, or holds more than plain data, and was not opened; expected a checkpoint written by "
                "escuta. Choose another."
            ).format(path=path)
        ) from None
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise CheckpointError(
            _("{path}: not a checkpoint that this version of escuta knows. Choose another.").format(path=path)
        )
    return content

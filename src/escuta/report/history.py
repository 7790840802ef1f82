"""What happened in a run, gathered from its events for the page; what is lost is a gap, never an error."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from escuta.run.events import read_events

BASE = "epoch_0"
"""How the samples of the base model are named."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's losses; None where there is no finite number."""

    train_loss: float | None
    val_loss: float | None
    improved: bool
    """Whether val_loss was the lowest so far."""


@dataclass(slots=True)
class Start:
    """A training from one start to its end, or to the last that is known of it."""

    begun: float
    """Seconds since 1970."""
    device: str
    seconds: float = 0.0
    """In all."""
    stall_seconds: float = 0.0
    """What checkpoints and samples kept the training thread from learning."""
    ended: str = ""
    """`finished` or `interrupted`; empty while it runs, and when it was killed."""
    reason: str = ""
    """Why it finished: `epochs`, `patience` or `minutes`; empty in runs of the first version."""


@dataclass(slots=True)
class History:
    """All that the page tells of a run's events; what was done again after a resume counts as it was done last."""

    starts: list[Start] = field(default_factory=list)
    epochs: dict[int, Epoch] = field(default_factory=dict)
    """By number; 0 is the base model."""
    steps: dict[str, int] = field(default_factory=dict)
    """Optimizer steps taken by what is called `epoch_3` or `step_500`."""
    asked: set[str] = field(default_factory=set)
    """Names of the samples that were asked for."""
    outcomes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Status and reason of samples by name."""
    fallbacks: list[tuple[str, str, str]] = field(default_factory=list)
    """Old mode, new mode and cause, since the last start."""
    lost_checkpoints: dict[str, str] = field(default_factory=dict)
    """Files that could not be written, and why."""
    skipped_steps: int = 0
    """Optimizer steps whose loss or gradient was no number."""
    best_by_score: tuple[str, str] = "", ""
    """Name of the checkpoint with the best scores, and why it is; empty where nothing was scored."""

    @property
    def best_epoch(self) -> int | None:
        """The epoch in best_model.pt."""
        return max((number for number, epoch in self.epochs.items() if epoch.improved), default=None)


def read_history(path: Path) -> History:
    """Read events.jsonl; lines torn by a kill and events of other versions are passed over."""
    history = History()
    for event in read_events(path):
        _note(history, event)
    return history


def checkpoint_name(file: str) -> str | None:
    """How the samples of a checkpoint file are named: `epoch_3` of checkpoint_epoch_3.pt; None of other files."""
    match = re.fullmatch(r"checkpoint_((?:epoch|step)_\d+)\.pt", file)
    return match[1] if match else None


def _note(history: History, event: Mapping[str, Any]) -> None:
    match event:
        case {"event": "start", "device": str(device)}:
            history.starts.append(Start(_number(event.get("time")) or 0.0, device))
            history.fallbacks.clear()
        case {"event": "epoch", "epoch": int(number)}:
            train_loss, val_loss = _number(event.get("train_loss")), _number(event.get("val_loss"))
            history.epochs[number] = Epoch(train_loss, val_loss, event.get("improved") is True)
            _note_step(history, f"epoch_{number}", event)
        case {"event": "checkpoint", "file": str(file)}:
            history.lost_checkpoints.pop(file, None)
            _note_step(history, checkpoint_name(file), event)
        case {"event": "sample_asked", "name": str(name)}:
            history.asked.add(name)
            _note_step(history, name, event)
        case {"event": "sample", "name": str(name), "status": str(status)}:
            history.outcomes[name] = status, str(event.get("reason", ""))
            _note_step(history, name, event)
        case {"event": "checkpoint_failed", "file": str(file)}:
            history.lost_checkpoints[file] = str(event.get("reason", ""))
        case {"event": "step_skipped"}:
            history.skipped_steps += 1
        case {"event": "best_by_score", "name": str(name)}:
            history.best_by_score = name, str(event.get("reason", ""))
        case {"event": "fallback", "from": str(old), "to": str(new)}:
            history.fallbacks.append((old, new, str(event.get("reason", ""))))
    if history.starts:
        _note_time(history.starts[-1], event)


def _note_step(history: History, name: str | None, event: Mapping[str, Any]) -> None:
    if name and isinstance(step := event.get("step"), int):
        history.steps[name] = step


def _note_time(start: Start, event: Mapping[str, Any]) -> None:
    stall_seconds = _number(event.get("stall_seconds")) or 0.0
    match event:
        case {"event": "finished" | "interrupted" as ended}:  # its sums hold more than the events before it
            start.ended, start.stall_seconds = ended, stall_seconds
            start.reason = str(event.get("reason", ""))
            start.seconds = _number(event.get("seconds")) or 0.0
        case {"time": float(time)}:
            start.stall_seconds += stall_seconds
            start.seconds = max(start.seconds, time - start.begun)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None

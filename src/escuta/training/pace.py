"""How fast a training learns, what memory it has taken, and how long it will take."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from escuta.messages import _
from escuta.sampling.memory import peak_bytes


@dataclass(frozen=True, slots=True)
class Lap:
    """What was learned from within some time."""

    clips: int = 0
    audio_seconds: float = 0.0
    """Of these clips, padding not counted."""
    seconds: float = 0.0
    """By the clock: whatever kept the training waiting is in it."""

    @property
    def clips_per_second(self) -> float:
        """Clips learned from in a second."""
        return self.clips / self.seconds if self.seconds else 0.0

    @property
    def audio_per_second(self) -> float:
        """Seconds of audio learned from in a second."""
        return self.audio_seconds / self.seconds if self.seconds else 0.0

    def and_then(self, lap: "Lap") -> "Lap":
        """Both, one after the other."""
        return Lap(self.clips + lap.clips, self.audio_seconds + lap.audio_seconds, self.seconds + lap.seconds)


class Pace:
    """Counts what is learned from, step by step.

    Args:
        clock: Seconds since whenever.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._last = self._first = clock()
        self._learned_seconds: float | None = None
        self.epoch = Lap()
        """Since the last `begin_epoch`."""

    def begin_epoch(self) -> None:
        """Let the next step begin now."""
        self._last = self._clock()
        self.epoch = Lap()

    def note(self, clip_seconds: Sequence[float]) -> Lap:
        """Count the clips of a step that has just ended."""
        now = self._clock()
        lap = Lap(len(clip_seconds), sum(clip_seconds), now - self._last)
        self._last = now
        self.epoch = self.epoch.and_then(lap)
        if self._learned_seconds is None:  # the first step is slower than all others
            self._first, self._learned_seconds = now, 0.0
        else:
            self._learned_seconds += lap.audio_seconds
        return lap

    def seconds_left(self, audio_seconds: float) -> float | None:
        """How long so much more takes, validations and checkpoints as they were so far; None where nobody can know."""
        if not self._learned_seconds:
            return None
        return (self._clock() - self._first) / self._learned_seconds * audio_seconds


def memory_gb(device: torch.device, root: Path = Path("/")) -> dict[str, float]:
    """The most memory that this process has taken so far, and on a GPU its tensors, as `epoch` events have it."""
    taken = {"memory_gb": round(peak_bytes(root) / 1e9, 3)}
    if device.type == "cuda":
        taken["gpu_memory_gb"] = round(torch.cuda.max_memory_allocated(device) / 1e9, 3)
    return taken


def duration(seconds: float) -> str:
    """So many seconds, as people say it."""
    if seconds < 99.5:
        return _("{n:.0f} s").format(n=seconds)
    minutes = round(seconds / 60)
    if minutes < 100:
        return _("{n} min").format(n=minutes)
    return _("{hours} h {minutes:02d} min").format(hours=minutes // 60, minutes=minutes % 60)


def step_words(loss: float, pace: Pace, audio_seconds_left: float) -> str:
    """What stands beside the progress bar after a step, the most wanted first: a narrow terminal cuts the end off."""
    words = [f"loss {loss:.3f}"]
    if (seconds := pace.seconds_left(audio_seconds_left)) is not None:
        words.append(_("{duration} to the end").format(duration=duration(seconds)))
    return "  ".join([*words, _("{n:.2f} clips/s").format(n=pace.epoch.clips_per_second)])


def epoch_words(lap: Lap, learning_rate: float, memory: dict[str, float], seconds_left: float | None) -> str:
    """What stands behind the losses of an epoch."""
    words = [
        f"lr {learning_rate:.2g}",
        _("{clips:.2f} clips/s ({audio:.1f} s of audio/s)").format(
            clips=lap.clips_per_second, audio=lap.audio_per_second
        ),
        _("{gb:.1f} GB").format(gb=memory["memory_gb"]),
    ]
    if "gpu_memory_gb" in memory:
        words.append(_("{gb:.1f} GB on the GPU").format(gb=memory["gpu_memory_gb"]))
    if seconds_left:
        words.append(_("{duration} to the end").format(duration=duration(seconds_left)))
    return ", ".join(words)

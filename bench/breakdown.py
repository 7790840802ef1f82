"""What a new checkpoint's sample spends its time on, by the code that the speaking process runs."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from bench.apart import Measurement
from bench.checkpoint import change
from bench.models import Models, speaker, trained_tensors
from bench.worker import job
from escuta.models.base import VoiceModel
from escuta.run.staging import Staging
from escuta.sampling.speaking import Voice

PARTS = ("read", "pack", "condition", "decode", "vocode", "rest")
"""Read the weights from staging memory, pack them, hear the reference and read the text with them up to the first code,
choose the codes, turn them into sound; the rest is the weights' fingerprint, as far as it is not taken beside reading,
and the files."""


def measure(models: Models, threads: int, rounds: int) -> Measurement:
    """Seconds of each part in several turns; the first is for warming up."""
    torch.set_num_threads(threads)
    tensors, staging = trained_tensors(models.limited), Staging()
    model = TimedModel(speaker(models.base, models.codes))
    voice = Voice(cast(VoiceModel, model), "background")
    turns = []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds + 1):
            change(tensors)
            staged = staging.put(tensors)
            model.seconds = dict.fromkeys(PARTS, 0.0)
            started = time.perf_counter()
            voice.speak(job(models, Path(folder), f"step_{turn}", staged))
            total = time.perf_counter() - started
            turns.append({**model.seconds, "rest": total - sum(model.seconds.values())})
    return {"seconds": turns[1:]}


class TimedModel:
    """A model that notes how long each part of a sample takes."""

    def __init__(self, model: VoiceModel) -> None:
        self._model = model
        self._timed: dict[str, Callable[..., Any]] = {
            "load_trained": self._load,
            "pack": self._pack,
            "speak": self._speak,
            "speak_all": self._speak,
        }
        self.seconds = dict.fromkeys(PARTS, 0.0)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if timed := self._timed.get(name):
            return lambda *args, **kwargs: timed(found, *args, **kwargs)
        return found

    def _load(self, load: Callable[..., Any], tensors: Mapping[str, Tensor], *args: Any, **kwargs: Any) -> Any:
        return self._pack(load, TimedTensors(tensors, self.seconds), *args, **kwargs)

    def _pack(self, pack: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        started, read_before = time.perf_counter(), self.seconds["read"]
        found = pack(*args, **kwargs)
        self.seconds["pack"] += time.perf_counter() - started - (self.seconds["read"] - read_before)
        return found

    def _speak(self, speak: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        ticks: list[float] = []
        spoken = speak(*args, **{**kwargs, "progress": lambda: ticks.append(time.perf_counter())})
        self.seconds["condition"] += ticks[0] - started
        self.seconds["decode"] += ticks[-1] - ticks[0]
        self.seconds["vocode"] += time.perf_counter() - ticks[-1]
        return spoken


class TimedTensors(Mapping[str, Tensor]):
    """Tensors that are read when they are asked for, which is noted."""

    def __init__(self, tensors: Mapping[str, Tensor], seconds: dict[str, float]) -> None:
        self._tensors = tensors
        self._seconds = seconds

    def __getitem__(self, name: str) -> Tensor:
        started = time.perf_counter()
        tensor = self._tensors[name]
        self._seconds["read"] += time.perf_counter() - started
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

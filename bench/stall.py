"""How long training waits while its weights are put out of the way, beside a plain copy of the same tensors."""

import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from bench.apart import Measurement
from bench.models import Models, trained_tensors
from escuta.run.staging import Staging
from escuta.training.writing import SLACK

WARM_UP = 2
"""Turns that are not counted."""


def measure(models: Models, threads: int, rounds: int, device: str = "cpu") -> Measurement:
    """Of the weights, all that a sample needs; and of what an optimizer keeps, which a checkpoint needs besides."""
    torch.set_num_threads(threads)
    tensors = trained_tensors(models.base, device)
    weights = in_turns(tensors, rounds)
    state = {f"{name}.exp_avg": tensor * 0.1 for name, tensor in tensors.items()}
    state |= {f"{name}.exp_avg_sq": tensor.square() for name, tensor in tensors.items()}
    del tensors
    return {"weights": weights, "optimizer": in_turns(state, max(1, rounds // 4))}


def in_turns(tensors: Mapping[str, Tensor], rounds: int) -> Measurement:
    """Copy `tensors` into ordinary memory, then into staging memory, both taken and touched before."""
    num_bytes = sum(tensor.nbytes for tensor in tensors.values())
    staging = Staging()
    try:
        staging.reserve(int(num_bytes * SLACK))
        targets = {name: tensor.to("cpu", copy=True) for name, tensor in tensors.items()}

        def copy() -> None:
            for name, tensor in tensors.items():
                targets[name].copy_(tensor)

        def put() -> None:
            staging.put(dict(tensors))

        found: Measurement = {"bytes": num_bytes, "copy_seconds": [], "put_seconds": []}
        for turn in range(rounds + WARM_UP):
            seconds = {"copy_seconds": _timed(copy), "put_seconds": _timed(put)}
            staging.settle(wait=True)
            if turn >= WARM_UP:
                for name, value in seconds.items():
                    found[name].append(round(value, 5))
        return found
    finally:
        staging.close()


def _timed(work: Callable[[], None]) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started

"""From "training has a new checkpoint" to its finished sample.

Ours is what a training does: weights into staging memory, a job to the process that is already there. The peer's is a
fresh process for every sample, which imports, loads, clones the voice, speaks and writes.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from bench.apart import Measurement
from bench.machine import memory
from bench.models import Models, sentences, trained_tensors
from bench.side import speak_cold
from bench.worker import job, next_result, worker
from escuta.run.staging import Staging


def measure(models: Models, peer: Sequence[str], threads: int, rounds: int) -> Measurement:
    """Speak a new checkpoint by each in turn; our first turn is for warming up."""
    tensors = trained_tensors(models.limited)
    staging = Staging()
    found: Measurement = {"escuta": [], "coqui": []}
    with tempfile.TemporaryDirectory() as folder, worker(models.limited, threads, (staging.fd,)) as process:
        for turn in range(rounds + 1):
            change(tensors)
            started = time.perf_counter()
            staged = staging.put(tensors)
            put_seconds = time.perf_counter() - started
            process.send(job(models, Path(folder), f"step_{turn}", staged))
            next_result(process)
            seconds = time.perf_counter() - started
            if turn:
                found["escuta"].append({"seconds": seconds, "put_seconds": put_seconds, **memory(process.pid)})
                found["coqui"].append(speak_cold(peer, threads, sentences(1), models.codes))
    return found


def change(tensors: dict[str, Tensor]) -> None:
    """Change all weights a little, as learning does: nothing of the sample before can be used again."""
    for tensor in tensors.values():
        tensor.mul_(1.0001)

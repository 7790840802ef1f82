"""How much slower training is while samples are spoken: training on one core, the speaking process on another.

The speaking process never runs out of checkpoints here. It is stopped and let go on by signals, between two steps of
training, so that both kinds of time lie close together and differ in nothing else. Memory bandwidth stays shared.
"""

import os
import signal
import tempfile
import time
from pathlib import Path

import torch

from bench.apart import Measurement
from bench.machine import cpu_seconds, pin
from bench.models import Models, made_up_clip
from bench.worker import job, worker
from escuta.models.base import Batch
from escuta.models.load import load_model
from escuta.models.xtts.weights import load_weights
from escuta.sampling.worker import read_result
from escuta.settings import TrainingSettings
from escuta.training.learner import Learner

JOBS = 500
"""Waiting to be spoken: more than any measurement takes."""

CLIP_SECONDS = 3.0


def measure(models: Models, pairs: int, block_seconds: float, device: str = "cpu") -> Measurement:
    """Train in blocks of so many seconds with somebody speaking and without, in turns.

    Raises:
        RuntimeError: There is one core alone, or nobody spoke.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise RuntimeError("one core alone; to train on one and speak on another takes two")
    torch.set_num_threads(1)
    model = load_model(models.base, uses=["training"])
    settings = TrainingSettings(device="cpu" if device == "cpu" else "cuda")
    learner = Learner(model, settings, seed=0)
    config = load_weights(models.base, ["mel_stats"]).config
    batch = model.collate([made_up_clip(config, CLIP_SECONDS)], torch.Generator().manual_seed(0))
    learner.step([batch])
    with tempfile.TemporaryDirectory() as folder, worker(models.limited, threads=1) as process:
        pin(process.pid, cores[1])
        pin(os.getpid(), cores[0])
        for number in range(JOBS):
            process.send(job(models, Path(folder), f"step_{number}"))
        found: Measurement = {"clip_seconds": CLIP_SECONDS, "layers": config.gpt.layers, "pairs": []}
        for _pair in range(pairs):
            speaking = _block(learner, batch, process.pid, block_seconds)
            os.kill(process.pid, signal.SIGSTOP)
            silent = _block(learner, batch, process.pid, block_seconds)
            os.kill(process.pid, signal.SIGCONT)
            found["pairs"].append({"speaking": speaking, "silent": silent})
        results = [result for message in process.messages() if (result := read_result(message))]
        alive = process.alive()
    if not alive or len(results) == JOBS or any(result.status != "spoken" for result in results):
        raise RuntimeError("the speaking process did not speak all the time")
    return {**found, "samples": len(results)}


def _block(learner: Learner, batch: Batch, speaker_pid: int, block_seconds: float) -> Measurement:
    """Train for so long; the duty is the share of the time that the speaking process computed."""
    spoken, started = cpu_seconds(speaker_pid), time.perf_counter()
    steps: list[float] = []
    while not steps or time.perf_counter() - started < block_seconds:
        begun = time.perf_counter()
        learner.step([batch])
        steps.append(round(time.perf_counter() - begun, 4))
    seconds = time.perf_counter() - started
    duty = (cpu_seconds(speaker_pid) - spoken) / seconds
    return {"seconds": seconds, "step_seconds": steps, "duty": round(duty, 3)}

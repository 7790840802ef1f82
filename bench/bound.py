"""How near decoding is to what it cannot beat: to read all its weights from memory once for every code."""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch

from bench.apart import Measurement
from bench.models import LANGUAGE, Models, made_up_clip, sentences, speaker, usual_precision
from escuta.engine.linear import choose_kernel
from escuta.models.base import Generation
from escuta.models.xtts.config import GptConfig
from escuta.models.xtts.weights import load_weights
from escuta.sampling.speaking import read_reference

READ_BYTES = 512 * 2**20
"""More than any cache holds."""


def measure(models: Models, threads: int, rounds: int) -> Measurement:
    """Time the steps of one sentence and the reading of memory in turns, with the same threads."""
    torch.set_num_threads(threads)
    model, precision = speaker(models.base, models.codes), usual_precision()
    model.pack(precision)
    reference = read_reference(model, models.voice)
    buffer = torch.ones(READ_BYTES // 4)
    steps: list[list[float]] = []
    reads: list[dict[str, float]] = []
    for _turn in range(rounds + 1):
        ticks: list[float] = []
        model.speak_all(
            sentences(1),
            reference,
            language=LANGUAGE,
            generation=Generation(),
            seed=0,
            progress=lambda ticks=ticks: ticks.append(time.perf_counter()),  # type: ignore[misc]
        )
        steps.append([round(after - before, 6) for before, after in pairwise(ticks)])
        reads.append(read_bytes_per_second(buffer))
    config = load_weights(models.base, ["mel_stats"]).config
    gpt = config.gpt
    clip_seconds = models.codes * gpt.code_stride / config.sample_rate / 2
    clips = [made_up_clip(config, clip_seconds, seed) for seed in range(2)]
    return {
        "step_seconds": steps[1:],
        "read_bytes_per_second": reads[1:],
        "bytes_per_code": packed_bytes(gpt),
        "precision": precision,
        "kernel": choose_kernel(precision, torch.empty(4 * gpt.width, gpt.width)).name,
        "loss_difference": model.difference(clips),
    }


def packed_bytes(gpt: GptConfig) -> int:
    """What every code reads of the weights: four matrices a layer and the head, a byte each."""
    return gpt.layers * 12 * gpt.width**2 + gpt.num_audio_tokens * gpt.width


def read_bytes_per_second(buffer: torch.Tensor) -> dict[str, float]:
    """How fast `buffer` is read in several ways, each at its best."""
    matrix = buffer.view(-1, 1024)
    vector = torch.ones(1024)
    patterns: dict[str, Callable[[], Any]] = {
        "sum": buffer.sum,
        "sum of integers": buffer.view(torch.int64).sum,
        "largest": buffer.amax,
        "dot product": lambda: torch.dot(buffer, buffer),
        "matrix by vector": lambda: matrix.mv(vector),
    }
    return {name: buffer.nbytes / min(_seconds(read) for _ in range(3)) for name, read in patterns.items()}


def _seconds(read: Callable[[], Any]) -> float:
    started = time.perf_counter()
    read()
    return time.perf_counter() - started

"""What an FFT does on a device, in the shapes that coqui-tts computes on the GPU. Needs PyTorch alone.

    python FILE                                    every probe on cuda:0, each in a fresh process
    python FILE --device cpu --probe stft-512      one probe, in this process; its result is one line of JSON

A process makes one probe and ends, because a plan that cuFFT failed to make can spoil the next one (cupy/cupy#3777).

Shapes: B batch, T points.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

SECONDS = 7
BATCH = 2
BLOCKS_BYTES = tuple(2**power for power in range(30, 20, -1))  # 1 GiB to 2 MiB; of a GPU, PyTorch takes no less
SPARE_BYTES = 256 * 2**20  # as PyTorch keeps for itself after a training step; cuFFT cannot use it
OTHERS_BYTES = 2 * 2**30  # more than this process and a desktop take: somebody works there
NUM_LENGTHS = 128
WRONG = 1e-3  # of the loudest; float32 gives about 1e-6


@dataclass(frozen=True)
class Shape:
    """One of the transforms that coqui-tts 0.28.0 runs on the GPU."""

    num_fft: int
    hop: int
    window: int
    sample_rate: int
    hamming: bool = False


SHAPES = (
    Shape(512, 160, 400, 16000, hamming=True),  # speaker encoder: encoder/models/base_encoder.py
    Shape(1024, 256, 1024, 22050),  # DVAE: tts/layers/tortoise/arch_utils.py TorchMelSpectrogram
    Shape(2048, 256, 1024, 22050),  # conditioning: tts/layers/xtts/trainer/gpt_trainer.py
)


class SkippedError(Exception):
    """The probe cannot be made here, or would do harm."""


def rfft(device: torch.device) -> dict[str, Any]:
    """The smallest transform there is: pytorch/pytorch#88038."""
    torch.fft.rfft(torch.zeros(1000, device=device))
    _finish(device)
    return {}


def stft(device: torch.device, shape: Shape, *, full: bool) -> dict[str, Any]:
    """Transform two clips of 7 s and compare with the CPU; `full`: after all other memory was taken."""
    wav_BT = torch.randn(BATCH, SECONDS * shape.sample_rate, generator=torch.Generator().manual_seed(0))
    expected = _stft(wav_BT, shape)
    wav_BT = wav_BT.to(device)
    held = _fill(device) if full else []
    found: dict[str, Any] = {"free_mb": _megabytes(_free_bytes(device))}
    try:
        difference = _difference(_stft(wav_BT, shape), expected)
    except RuntimeError as error:
        if not full:
            raise
        held.clear()
        return found | {"status": "failed", "message": _line(error), "again": _again(wav_BT, shape)}
    if difference > WRONG:
        return found | {"status": "failed", "message": f"result differs from the CPU's by {difference:.0e}"}
    return found | {"relative_difference": difference}


def plans(device: torch.device) -> dict[str, Any]:
    """Transform clips of many lengths: each makes a plan that cuFFT keeps (pytorch/pytorch#94893)."""
    if device.type != "cuda":
        for length in range(NUM_LENGTHS):
            _stft(torch.zeros(1, 22050 + length, device=device), SHAPES[-1])
        return {"lengths": NUM_LENGTHS}
    cache = torch.backends.cuda.cufft_plan_cache[device.index or 0]
    _stft(torch.zeros(1, 22049, device=device), SHAPES[-1])
    free_before = _settled(device)
    for length in range(NUM_LENGTHS):
        _stft(torch.zeros(1, 22050 + length, device=device), SHAPES[-1])
    grown_bytes = free_before - _settled(device)
    num_plans = cache.size
    cache.clear()
    return {
        "lengths": NUM_LENGTHS,
        "plans": num_plans,
        "most_plans": cache.max_size,
        "plans_mb": _megabytes(grown_bytes),
        "left_after_clear_mb": _megabytes(free_before - _settled(device)),
    }


def empty(device: torch.device) -> dict[str, Any]:
    """Transform nothing: what CUFFT_INVALID_SIZE usually comes from."""
    transforms: dict[str, Callable[[], Tensor]] = {
        "no_points": lambda: _stft(torch.zeros(1, 0, device=device), SHAPES[0]),
        "no_clips": lambda: torch.fft.rfft(torch.zeros(0, 1024, device=device)),
    }
    said = {}
    for name, transform in transforms.items():
        try:
            transform()
            _finish(device)
            said[name] = "taken"
        except RuntimeError as error:
            said[name] = _line(error)
    return said


PROBES: dict[str, Callable[[torch.device], dict[str, Any]]] = {
    "rfft": rfft,
    **{f"stft-{shape.num_fft}": partial(stft, shape=shape, full=False) for shape in SHAPES},
    **{f"full-{shape.num_fft}": partial(stft, shape=shape, full=True) for shape in SHAPES},
    "plans": plans,
    "empty": empty,
}


def probe(name: str, device: torch.device) -> dict[str, Any]:
    """Make one probe: `status` passed, failed or skipped, a `message`, and what was measured."""
    try:
        return {"status": "passed", "message": ""} | PROBES[name](device)
    except SkippedError as reason:
        return {"status": "skipped", "message": str(reason)}
    except RuntimeError as error:
        return {"status": "failed", "message": _line(error)}


def _stft(wav_BT: Tensor, shape: Shape) -> Tensor:
    window = (torch.hamming_window if shape.hamming else torch.hann_window)(shape.window, device=wav_BT.device)
    return torch.stft(wav_BT, shape.num_fft, shape.hop, shape.window, window, return_complex=True)


def _difference(found: Tensor, expected: Tensor) -> float:
    return float((found.cpu() - expected).abs().max() / expected.abs().max())


def _again(wav_BT: Tensor, shape: Shape) -> str:
    """The same once more, now that memory is free again: a failed plan may have spoiled it."""
    if wav_BT.device.type == "cuda":
        torch.cuda.empty_cache()
    try:
        _stft(wav_BT, shape)
        _finish(wav_BT.device)
    except RuntimeError as error:
        return _line(error)
    return "passed"


def _fill(device: torch.device) -> list[Tensor]:
    """Take all memory of `device`, but for what PyTorch keeps for itself, as a training does."""
    left = _free_bytes(device)
    if left is None:
        raise SkippedError("this process may take any amount of memory: it is not filled")
    if device.type == "cuda" and (others := torch.cuda.mem_get_info(device)[1] - left) > OTHERS_BYTES:
        raise SkippedError(f"other programs use {others / 1e9:.1f} GB of it: it is not filled")
    with _returned_to_pytorch(device):
        held: list[Tensor] = []
        for block_bytes in BLOCKS_BYTES:
            while left >= block_bytes:
                try:
                    held.append(torch.empty(block_bytes, dtype=torch.uint8, device=device))
                except RuntimeError:  # out of memory; the CPU's allocator has no class of its own for it
                    break
                left -= block_bytes
    return held


@contextmanager
def _returned_to_pytorch(device: torch.device) -> Iterator[None]:
    """Hold some memory, large and small blocks, for a while; its allocator keeps it for later."""
    kept = []
    if device.type == "cuda":
        sizes = [SPARE_BYTES, *[2**19] * 16]
        kept = [torch.empty(num_bytes, dtype=torch.uint8, device=device) for num_bytes in sizes]
    yield
    kept.clear()


def _free_bytes(device: torch.device) -> int | None:
    """Memory to be had: of a GPU; of this process where it has a limit (`ulimit -v`), else None."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    with open("/proc/self/statm", encoding="ascii") as file:
        return limit - int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _settled(device: torch.device) -> int:
    """Free bytes of a GPU when all work is done and PyTorch keeps nothing."""
    _finish(device)
    torch.cuda.empty_cache()
    return torch.cuda.mem_get_info(device)[0]


def _finish(device: torch.device) -> None:
    """Wait for the work on `device`, whose faults come late."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _megabytes(num_bytes: int | None) -> float | None:
    return None if num_bytes is None else round(num_bytes / 1e6, 1)


def _line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def main() -> None:
    """Make one probe, or each in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--probe", choices=PROBES)
    asked = parser.parse_args()
    if asked.probe:
        print(json.dumps(probe(asked.probe, torch.device(asked.device))))
        return
    print(f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, {asked.device}")
    for name in PROBES:
        command = [sys.executable, __file__, "--device", asked.device, "--probe", name]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        last_words = (finished.stdout + finished.stderr).strip().splitlines() or [""]
        print(f"{name:10} status {finished.returncode}: {last_words[-1]}")


if __name__ == "__main__":
    main()

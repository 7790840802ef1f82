"""Linear layers packed for speed: one small interface over the several ways that a machine multiplies by fixed weights.

PyTorch has announced the end of its quantised tensors; nothing outside this file knows that they are used.

Shapes: I features in, O features out.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

Precision: TypeAlias = Literal["exact", "bf16", "int8"]
"""How weights are kept: as they are, rounded to bfloat16, or to 255 steps a row of their matrix."""

Linear: TypeAlias = Callable[[Tensor], Tensor]
"""Maps [..., I] to [..., O], in the kernel's type."""

INT8_LIMIT = 127
CLEARLY_FASTER = 1.5
"""How many times as fast a kernel must be to replace one listed before it: noise must not change what is said."""

WORTH_MEASURING = 1 << 20
"""Weights of a matrix. With fewer, a kernel's time is that of calling it, and a busy machine would choose by chance:
other last bits in every process."""

MEASURED_ROWS = (1, 8)
"""What kernels are timed with: one sentence, and a batch of them."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """One way to multiply by fixed weights."""

    name: str
    activations: torch.dtype | None
    """Of what its layers take and give; None is the weight's own."""
    pack: Callable[[Tensor, Tensor], Linear]
    """Makes a layer of a weight [O, I] and a bias [O]."""


def choose_kernel(precision: Precision, weight_OI: Tensor, num_rows: tuple[int, ...] = MEASURED_ROWS) -> Kernel:
    """Choose the fastest kernel of a precision that works on this machine, by trying each on a matrix of this shape.

    Args:
        precision: Asked for.
        weight_OI: The matrix; its shape and place count.
        num_rows: What it is going to be multiplied with, at each of which it is tried.
    """
    num_out, num_in = weight_OI.shape
    return _fastest(precision, num_out, num_in, str(weight_OI.device), num_rows)


def computes_bf16(device: torch.device) -> bool:
    """Whether `device` is a CPU that multiplies bfloat16 itself, not by way of float32."""
    able = torch.cpu.get_capabilities()
    return device.type == "cpu" and any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def _pack_as_is(weight_OI: Tensor, bias_O: Tensor) -> Linear:
    return lambda x: functional.linear(x, weight_OI, bias_O)


def _pack_bf16(weight_OI: Tensor, bias_O: Tensor) -> Linear:
    weight_OI = weight_OI.to(torch.bfloat16, copy=True, memory_format=torch.contiguous_format)
    return _pack_as_is(weight_OI, bias_O.to(torch.bfloat16, copy=True))


def _pack_fbgemm(weight_OI: Tensor, bias_O: Tensor) -> Linear:
    """8 bits on both sides; activations are rounded as they come."""
    scale_O = _row_scale(weight_OI)
    _hear_the_announced_end()
    quantised_OI = torch._make_per_channel_quantized_tensor(
        _rounded(weight_OI, scale_O), scale_O.double(), torch.zeros_like(scale_O, dtype=torch.long), axis=0
    )
    bias = bias_O.to(torch.float32, copy=True)
    packed = torch.ops.quantized.linear_prepack(quantised_OI, bias)
    multiply = torch.ops.quantized.linear_dynamic
    # Without these instructions, sums of two products saturate at 16 bits: activations get 7 bits.
    reduce_range = not torch.cpu.get_capabilities().get("avx512_vnni", False)

    def linear(x: Tensor) -> Tensor:
        if x.numel() == x.shape[-1]:
            return multiply(x, packed, reduce_range)  # type: ignore[no-any-return]
        # One scale serves all rows: brought to one level first, a loud row does not drown the others.
        level = x.abs().amax(-1, keepdim=True).clamp_(min=torch.finfo(x.dtype).tiny)
        return torch.lerp(bias, multiply(x / level, packed, reduce_range), level)

    return linear


def _pack_int_mm(weight_OI: Tensor, bias_O: Tensor) -> Linear:
    """8 bits on both sides, with plain integer tensors and one scale a row of activations."""
    scale_O, bias = _row_scale(weight_OI), bias_O.to(torch.float32, copy=True)
    rounded_IO = _rounded(weight_OI, scale_O).T

    def linear(x: Tensor) -> Tensor:
        step = x.abs().amax(-1, keepdim=True).clamp_(min=torch.finfo(x.dtype).tiny) / INT8_LIMIT
        rows = (x / step).round_().to(torch.int8).flatten(0, -2)
        products = torch._int_mm(rows, rounded_IO).view(*x.shape[:-1], -1)
        return torch.addcmul(bias, products * scale_O, step)

    return linear


def _pack_weight_only(weight_OI: Tensor, bias_O: Tensor) -> Linear:
    """8-bit weights, activations in bfloat16."""
    scale_O = _row_scale(weight_OI)
    rounded_OI, scale_O, bias = _rounded(weight_OI, scale_O), scale_O.bfloat16(), bias_O.to(torch.bfloat16, copy=True)

    def linear(x: Tensor) -> Tensor:
        products = torch._weight_int8pack_mm(x.flatten(0, -2), rounded_OI, scale_O)
        return products.view(*x.shape[:-1], -1) + bias

    return linear


KERNELS: dict[Precision, tuple[Kernel, ...]] = {
    "exact": (Kernel("as is", None, _pack_as_is),),
    "bf16": (Kernel("bf16", torch.bfloat16, _pack_bf16),),
    "int8": (
        Kernel("fbgemm", torch.float32, _pack_fbgemm),
        Kernel("int_mm", torch.float32, _pack_int_mm),
        Kernel("weight_only", torch.bfloat16, _pack_weight_only),
    ),
}
"""Of every precision the kernels there are, the preferred first."""


@cache
def _fastest(precision: Precision, num_out: int, num_in: int, device: str, num_rows: tuple[int, ...]) -> Kernel:
    kernels = KERNELS[precision]
    if len(kernels) == 1:
        return kernels[0]
    best, best_seconds = None, float("inf")
    for kernel in kernels:
        try:
            seconds = _seconds(kernel, torch.ones(num_out, num_in, device=device), num_rows)
        except (RuntimeError, NotImplementedError, AttributeError):  # what PyTorch says where it lacks a kernel
            continue
        if best is None or seconds * CLEARLY_FASTER < best_seconds:
            best, best_seconds = kernel, seconds
        if num_out * num_in < WORTH_MEASURING:
            break
    if best is None:
        raise RuntimeError(f"no {precision} kernel works on {device}")
    return best


@torch.no_grad()
def _seconds(kernel: Kernel, weight_OI: Tensor, measured: tuple[int, ...]) -> float:
    """How long one pass over the rows measured takes, undisturbed."""
    linear = kernel.pack(weight_OI, weight_OI[:, 0])
    total = 0.0
    with _alone(weight_OI.device):
        for num_rows in measured:
            x = weight_OI.new_ones(num_rows, weight_OI.shape[1], dtype=kernel.activations)
            if not torch.isfinite(linear(x)).all():
                raise RuntimeError(f"{kernel.name} computes no numbers")
            total += min(_timed(linear, x) for _ in range(10))
    return total


@contextmanager
def _alone(device: torch.device) -> Iterator[None]:
    """Compute in one thread: where training has the cores, threads that wait for each other would be what is timed."""
    num_threads = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(num_threads)


def _timed(linear: Linear, x: Tensor) -> float:
    """How long it takes; on a CPU the time that this thread computed, whoever else did meanwhile."""
    if x.device.type == "cpu":
        started = time.thread_time()
        linear(x)
        return time.thread_time() - started
    started = time.perf_counter()
    linear(x)
    if x.is_cuda:
        torch.cuda.synchronize(x.device)  # it was only told to begin
    return time.perf_counter() - started


def _row_scale(weight_OI: Tensor) -> Tensor:
    largest_O: Tensor = torch.linalg.vector_norm(weight_OI.float(), torch.inf, dim=1)
    return (largest_O / INT8_LIMIT).clamp(min=torch.finfo(torch.float32).tiny)


def _rounded(weight_OI: Tensor, scale_O: Tensor) -> Tensor:
    return (weight_OI.float() / scale_O[:, None]).round_().to(torch.int8).contiguous()


@cache
def _hear_the_announced_end() -> None:
    """PyTorch warns once that quantised tensors will go: two other kernels stand by for that day."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch._make_per_channel_quantized_tensor(
            torch.zeros(1, 1, dtype=torch.int8), torch.ones(1).double(), torch.zeros(1, dtype=torch.long), axis=0
        )

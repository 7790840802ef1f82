"""Weights that anyone can rebuild: each tensor is a function of its own name, its shape and a seed.

A parity case was computed by another implementation with these weights, so comparing needs no download.
"""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def seeded_tensor(name: str, shape: Sequence[int], seed: int) -> Tensor:
    """Rebuild one tensor, float32 (a batch counter is an int64 zero)."""
    if name.endswith(".num_batches_tracked"):
        return torch.tensor(0)
    draw = np.random.default_rng([zlib.crc32(name.encode()), seed])
    noise = draw.standard_normal(shape, dtype=np.float32) if shape else np.zeros((), np.float32)
    return torch.from_numpy(np.ascontiguousarray(_scaled(noise, name), dtype=np.float32))


def _scaled(noise: NDArray[np.float32], name: str) -> NDArray[np.floating[Any]]:
    """Give the noise the spread that keeps activations near unit size through the whole model."""
    leaf = name.rpartition(".")[2]
    fan_in = noise.shape[0] if ".gpt.h." in name else int(np.prod(noise.shape[1:]))
    scaled: NDArray[np.floating[Any]]
    match leaf:
        case "running_var":
            scaled = 1 + 0.1 * np.abs(noise)
        case "running_mean":
            scaled = 0.1 * noise
        case "mel_stats":  # divisors of log-mels: negative numbers
            scaled = -4 - np.abs(noise)
        case "original0":  # gain of a weight norm
            scaled = 1 + 0.1 * noise
        case "bias":
            scaled = 0.02 * noise
        case _ if noise.ndim == 1:  # gain of a norm
            scaled = 1 + 0.1 * noise
        case _ if "embedding" in name or leaf == "latents":
            scaled = 0.3 * noise
        case _:
            scaled = noise / np.sqrt(fan_in)
    return scaled

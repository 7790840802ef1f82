"""How much memory learning and speaking take, told from the files before anything of them is read."""

from pathlib import Path

from escuta.audio.mel import VOCOS
from escuta.engine.linear import Precision
from escuta.models.base import Learning
from escuta.models.f5.config import HEAD_WIDTH, DitConfig
from escuta.models.f5.weights import PREFIXES, load_weights

BYTES = {"exact": 4, "bf16": 2, "int8": 1}
"""Of a weight of the packed matrices."""

RUNTIME_BYTES = 450_000_000
"""Python and PyTorch before any weight, as measured with XTTS-v2."""

SPOKEN_ROWS = 2 * 1900
"""Frames of a piece of 20 s with its recording, with and without guidance."""
BYTES_OF_ROW = 60
"""Of each row and feature while a block computes; counted by the tensors that are there at once."""

OF_BLOCK = {2: 107, 4: 68}
"""What the way back of one block keeps of each frame and feature, by bytes of a number in the arithmetic; measured.

In bf16 the norms and the turning of queries and keys keep what they had in float32, and in bf16 besides.
"""
OF_INPUT = 4
"""Of each frame and feature between blocks, all that stays where activations are computed twice."""


def trained_bytes(folder: Path, learning: Learning) -> int:
    """How much the trained weights of the model in `folder` take in fp32, whatever of it learns.

    Raises:
        ModelError: Files are missing, damaged, or not of one F5-TTS.
    """
    del learning
    return 4 * sum(tensor.numel() for tensor in load_weights(folder, ["dit"]).tensors.values())


def batch_bytes(folder: Path, num_clips: int, clip_seconds: float, number_bytes: int, learning: Learning) -> int:
    """What the way back of one batch keeps.

    Raises:
        ModelError: Files are missing, damaged, or not of one F5-TTS.
    """
    config = load_weights(folder, ["dit"]).config.dit
    frames = num_clips * round(clip_seconds * VOCOS.sample_rate / VOCOS.hop)
    block = OF_BLOCK[number_bytes] * frames * config.width
    kept = OF_INPUT * frames * config.width
    return block + config.layers * kept if learning.recomputes else config.layers * block


def speaking_bytes(folder: Path, precision: Precision) -> int:
    """The most memory that speaking with the model in `folder` takes, on a CPU.

    Raises:
        ModelError: Files are missing, damaged, or not of one F5-TTS.
    """
    weights = load_weights(folder)
    kept = sum(4 * tensor.numel() for tensor in weights.tensors.values())
    packed = [tensor for name, tensor in weights.tensors.items() if _is_packed(name)]
    kept -= sum((4 - BYTES[precision]) * tensor.numel() for tensor in packed)
    largest = max(tensor.numel() for tensor in packed)
    return RUNTIME_BYTES + kept + 8 * 4 * largest + _row_bytes(weights.config.dit) * SPOKEN_ROWS


def _row_bytes(config: DitConfig) -> int:
    return BYTES_OF_ROW * max(config.width, config.heads * HEAD_WIDTH)


def _is_packed(name: str) -> bool:
    of_blocks = f"{PREFIXES['dit']}transformer_blocks."
    return name.endswith(".weight") and (name.startswith(of_blocks) or ".norm_out." in name)

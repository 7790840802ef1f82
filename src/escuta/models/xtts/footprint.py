"""How much memory learning and speaking take, told from the files before anything of them is read."""

from pathlib import Path

from torch import Tensor

from escuta.engine.linear import Precision
from escuta.models.base import Learning
from escuta.models.xtts.activations import activation_bytes, sound_bytes
from escuta.models.xtts.weights import PREFIXES, Part, Weights, load_weights

BYTES = {"exact": 4, "bf16": 2, "int8": 1}
"""Of a weight of the packed matrices."""

RUNTIME_BYTES = 450_000_000
"""Python and PyTorch before any weight, measured; what they take while speaking 15 s with it."""

PACKING_COPIES = 42
"""Times the largest matrix, in float32: it is read, turned, rounded and packed by several threads, and leaves holes."""


def trained_bytes(folder: Path, learning: Learning) -> int:
    """How much the trained weights of the model in `folder` take in fp32.

    Raises:
        ModelError: Files are missing, damaged, or not of one XTTS-v2.
    """
    parts: list[Part] = ["gpt", "decoder"] if learning.decoder else ["gpt"]
    weights = load_weights(folder, parts)
    return 4 * sum(_num_of(weights, PREFIXES[part]) for part in parts)


def batch_bytes(folder: Path, num_clips: int, clip_seconds: float, number_bytes: int, learning: Learning) -> int:
    """What the way back of one batch keeps.

    Raises:
        ModelError: Files are missing, damaged, or not of one XTTS-v2.
    """
    config = load_weights(folder, ["gpt"]).config
    kept = activation_bytes(
        config,
        num_clips,
        clip_seconds,
        number_bytes=number_bytes,
        recomputes=learning.recomputes,
        learns_voice="conditioning" not in learning.freeze,
    )
    return kept + (sound_bytes(config, num_clips, number_bytes=number_bytes) if learning.decoder else 0)


def speaking_bytes(folder: Path, precision: Precision) -> int:
    """The most memory that speaking with the model in `folder` takes, on a CPU.

    Raises:
        ModelError: Files are missing, damaged, or not of one XTTS-v2.
    """
    weights = load_weights(folder, ["gpt", "decoder", "speaker_encoder", "mel_stats"])
    kept = sum(4 * tensor.numel() for tensor in weights.tensors.values())
    packed = [tensor for name, tensor in weights.tensors.items() if _is_packed(name, tensor)]
    kept -= sum((4 - BYTES[precision]) * tensor.numel() for tensor in packed)
    kept -= 4 * weights.tensors["gpt.text_head.weight"].numel()  # for training alone
    if precision != "exact":
        kept += 2 * _num_of(weights, PREFIXES["decoder"])  # once more, in bfloat16
    largest = max(tensor.numel() for tensor in packed)
    return RUNTIME_BYTES + kept + PACKING_COPIES * 4 * largest


def _is_packed(name: str, tensor: Tensor) -> bool:
    return tensor.ndim == 2 and (name.startswith("gpt.gpt.h.") or name == "gpt.mel_head.weight")


def _num_of(weights: Weights, prefix: str) -> int:
    return sum(tensor.numel() for name, tensor in weights.tensors.items() if name.startswith(prefix))

"""A few held-out clips as the model takes them, for whoever asks whether packed weights are faithful."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from escuta.run.publish import publishing

MAX_CLIPS = 4
"""Enough to tell a loss to a part in a thousand; more would take longer than the sample."""


def write_held_out(path: Path, clips: Sequence[Mapping[str, Tensor]]) -> None:
    """Write the features of the first `MAX_CLIPS` clips, whole or not at all, as tensors `0.text`, `0.codes`, ...

    Raises:
        OSError: The folder cannot be written.
    """
    tensors = {
        f"{number}.{name}": tensor.contiguous()
        for number, clip in enumerate(clips[:MAX_CLIPS])
        for name, tensor in clip.items()
    }
    with publishing(path) as partial:
        partial.write_bytes(save(tensors))


def read_held_out(path: Path) -> list[dict[str, Tensor]]:
    """Read what `write_held_out` wrote; none where there is no such file, or a damaged one."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError):
        return []
    clips: dict[str, dict[str, Tensor]] = {}
    for full_name, tensor in sorted(tensors.items()):
        number, _dot, name = full_name.partition(".")
        clips.setdefault(number, {})[name] = tensor.clone()
    return list(clips.values())

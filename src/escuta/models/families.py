"""Which family a model is of, told by its files and by the names of its tensors."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias

Family: TypeAlias = Literal["xtts", "f5"]

_BEGINNINGS = {
    "XTTS-v2": ("gpt.", "xtts.gpt."),
    "E2-TTS": ("transformer.layers.", "ema_model.transformer.layers."),
    "F5-TTS": ("transformer.transformer_blocks.", "ema_model.transformer.transformer_blocks."),
}
"""How some tensors of every model of a kind are called."""


def family_of(folder: Path) -> Family:
    """The family of the model in `folder`; XTTS where nothing tells another."""
    if (folder / "vocab.json").is_file() or (folder / "config.json").is_file():
        return "xtts"
    marks = ("vocab.txt", "model_*.safetensors", "model_*.pt")
    return "f5" if any(path for mark in marks for path in folder.glob(mark)) else "xtts"


def title_of(names: Iterable[str]) -> str | None:
    """The kind of model that tensors of these names are of; None where nobody knows."""
    names = tuple(names)
    found = (title for title, beginnings in _BEGINNINGS.items() if any(one.startswith(beginnings) for one in names))
    return next(found, None)

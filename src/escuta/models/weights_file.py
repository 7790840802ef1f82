"""Files of weights, read without running anything they contain.

A `.pth` file is a pickle, and a pickle is a program. These are read by PyTorch's restricted unpickler, which builds
tensors, numbers and plain containers only. Checkpoints of coqui's tools also hold objects of classes of theirs (the
released XTTS-v2 does); each becomes a `Record` of plain values, and neither its class nor its module is imported. What
asks for anything else is refused by name. Nothing is ever written to a file that is read here.
"""

import hashlib
import pickle
import re
import struct
import warnings
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from escuta.errors import WeightsError
from escuta.messages import _

FOREIGN_PACKAGES = {"TTS", "trainer", "coqpit", "numpy"}
"""Packages whose objects become records: coqui's settings, and the numpy scalars its trainer keeps as losses."""

_DAMAGE = (
    *(RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError, EOFError, OverflowError),
    *(pickle.UnpicklingError, struct.error, MemoryError, OSError),
)
"""What PyTorch raises on bytes that `torch.save` did not write."""


class Record:
    """What a foreign object held, without its class: attributes in `state`, constructor arguments in `arguments`."""

    def __new__(cls, *arguments: object) -> "Record":
        """Take any arguments, as a class whose signature nobody knows."""
        record = super().__new__(cls)
        record.arguments = arguments
        record.state = {}
        return record

    arguments: tuple[object, ...]
    state: object

    def __setstate__(self, state: object) -> None:
        self.state = state


def read_weights_file(path: Path) -> Any:
    """Read a `.safetensors`, `.pth` or `.pt` file, its tensors mapped from disk rather than copied.

    Returns:
        What the file holds: a tensor, or containers of tensors, numbers, strings and `Record`.

    Raises:
        WeightsError: The file cannot be opened, is damaged, or asks for something to be run.
    """
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except OSError as error:
        raise WeightsError(_("{path}: cannot be read ({cause}).").format(path=path, cause=error.strerror)) from error
    if is_empty:
        raise WeightsError(_("{path}: the file is empty. Fetch it again.").format(path=path))
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "pickle protocol 4" and the like: what cannot be read is refused anyway
            return _read_pickled(path)
    except (*_DAMAGE, SafetensorError) as error:
        if wanted := re.search(r"GLOBAL (\S+)", str(error)):
            raise WeightsError(_refusal(path, wanted[1])) from error
        raise WeightsError(
            _(
                "{path}: is damaged, or no file of weights; expected what torch.save or safetensors writes. "
                "Fetch or copy it again."
            ).format(path=path)
        ) from error


def tensors_in(path: Path, content: object) -> dict[str, Tensor]:
    """The named tensors of what `read_weights_file` read: the `model` of a checkpoint, or the content itself.

    Raises:
        WeightsError: There are none.
    """
    if isinstance(content, dict) and isinstance(content.get("model"), dict):
        content = content["model"]
    found = content if isinstance(content, dict) else {}
    tensors = {name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if not tensors:
        raise WeightsError(_("{path}: holds no named tensors; expected a state dict.").format(path=path))
    return tensors


def file_sha256(path: Path) -> str:
    """The sha256 of a file, as `sha256sum` prints it; a file that has not changed is read once a process."""
    status = path.stat()
    return _sha256(path, status.st_size, status.st_mtime_ns)


@cache
def _sha256(path: Path, _num_bytes: int, _modified_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_pickled(path: Path) -> Any:
    if not zipfile.is_zipfile(path):  # the format before PyTorch 1.6, which cannot be mapped and holds no records
        return torch.load(path, map_location="cpu", weights_only=True)
    wanted = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    refused = sorted(name for name in wanted if name.partition(".")[0] not in FOREIGN_PACKAGES)
    if refused:
        raise WeightsError(*(_refusal(path, name) for name in refused))
    with torch.serialization.safe_globals([(type("Record", (Record,), {}), name) for name in wanted]):
        return torch.load(path, map_location="cpu", mmap=True, weights_only=True)


def _refusal(path: Path, name: str) -> str:
    return _(
        "{path}: asks for {name}, which is no part of weights; expected tensors, numbers and plain containers. "
        "It was not loaded: get the file from a source you trust."
    ).format(path=path, name=name)

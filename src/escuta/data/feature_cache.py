"""Computed features on disk, shared by all runs and found again by what they were computed from.

One safetensors file an entry, 200 kB for 7 s of speech, in 256 folders: what is finished stays when the rest is
interrupted, a clip more is a file more, two trainings may fill the cache at once, and memory holds the clips of a
batch alone. Each file carries a checksum of its tensors; one that does not match counts as absent. Files are read, not
mapped: a mapped file that somebody cuts off kills the process.
"""

import hashlib
import os
import secrets
import time
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from escuta.models.base import Features

CHECKSUM = "checksum"
STALE_SECONDS = 3600
"""A partial file so old was left by a killed process."""


class FeatureCache:
    """Features by key. Where the folder cannot be written, they stay in memory.

    Args:
        folder: Made when it is first written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refusal: OSError | None = None
        """Why the folder could not be written; None while it can."""
        self._in_memory: dict[str, Features] = {}

    def __contains__(self, key: str) -> bool:
        """Whether there is an entry, whole by its header; only `read` tells whether its content is right."""
        try:
            with safe_open(self._path(key), "pt") as entry:
                return CHECKSUM in entry.keys()  # noqa: SIM118 - an entry is no dict
        except (OSError, SafetensorError):
            return key in self._in_memory

    def read(self, key: str) -> Features | None:
        """Read an entry; None where there is none, or one that is damaged."""
        if key in self._in_memory:
            return self._in_memory[key]
        try:
            return decode(self._path(key).read_bytes())
        except OSError:
            return None

    def write(self, key: str, content: bytes) -> bool:
        """Keep what `encode` made, on disk or, from the first failure on, in memory; False for that first failure."""
        failed_before = self.refusal is not None
        if not failed_before:
            try:
                self._publish(self._path(key), content)
                return True
            except OSError as error:
                self.refusal = error
        if features := decode(content):
            self._in_memory[key] = features
        return failed_before

    def num_bytes(self) -> int:
        """Size of all entries on disk, those of other runs among them."""
        return sum(_size(path) for path in self.folder.glob("??/*.safetensors"))

    def tidy(self) -> None:
        """Remove what killed processes left."""
        for partial in self.folder.glob("*.partial"):
            try:
                if time.time() - partial.stat().st_mtime > STALE_SECONDS:
                    partial.unlink()
            except OSError:
                continue  # another process was faster, or may and this one may not

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.safetensors"

    def _publish(self, path: Path, content: bytes) -> None:
        """Write and rename, without waiting for the disk: what a power cut tears is damaged, and computed again."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f"{path.stem}.{secrets.token_hex(4)}.partial"
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def default_folder() -> Path:
    """The user's own cache: a dataset is only ever read, and all runs share what was computed."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "escuta" / "features"


def encode(features: Features) -> bytes:
    """Make an entry."""
    tensors = {name: tensor.contiguous() for name, tensor in features.items()}
    return save({**tensors, CHECKSUM: _checksum(tensors)})


def decode(content: bytes) -> Features | None:
    """Read an entry; None where it is damaged."""
    try:
        tensors = load(content)
        checksum = tensors.pop(CHECKSUM)
    except (SafetensorError, KeyError, ValueError):
        return None
    return tensors if torch.equal(checksum, _checksum(tensors)) else None


def _checksum(tensors: Features) -> Tensor:
    total = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        total.update(tensor.numpy().data)
    return torch.frombuffer(bytearray(total.digest()), dtype=torch.uint8)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

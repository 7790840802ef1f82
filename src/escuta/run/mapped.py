"""Tensors of a file that is mapped into memory, read without the file staying there."""

import ctypes
import mmap
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

DONT_NEED = 4
"""MADV_DONTNEED of Linux: the pages are read from the file again when somebody looks."""


class MappedTensors(Mapping[str, Tensor]):
    """Tensors as PyTorch and safetensors map them from a file, each copied when it is asked for.

    What a look at a mapping brings into memory counts as this process's own; here it goes once a tensor is copied, so
    that no more than one is there twice.

    Args:
        tensors: Of a file that was just opened: nobody else has them, and nothing was written to them.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = dict(tensors)
        self._from_files = _mapped_ranges()

    def __getitem__(self, name: str) -> Tensor:
        mapped = self._tensors[name]
        tensor = torch.empty_like(mapped).copy_(mapped)
        self._let_go(mapped)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def shapes(self) -> dict[str, torch.Size]:
        """All shapes; nothing is read."""
        return {name: tensor.shape for name, tensor in self._tensors.items()}

    def _let_go(self, mapped: Tensor) -> None:
        start = mapped.data_ptr() // mmap.PAGESIZE * mmap.PAGESIZE
        end = mapped.data_ptr() + mapped.untyped_storage().nbytes()
        # Memory that is of no file would lose its content.
        if any(first <= start and end <= last for first, last in self._from_files):
            ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), DONT_NEED)


def _mapped_ranges() -> list[tuple[int, int]]:
    """Where files are mapped in this process; none where the system does not say."""
    if sys.platform != "linux":
        return []
    ranges = []
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
        addresses, _permissions, _offset, _device, inode, *_path = line.split(maxsplit=5)
        if inode != "0":
            first, last = addresses.split("-")
            ranges.append((int(first, 16), int(last, 16)))
    return ranges

"""Which weights spoke, as a number: SHA-256 of all trained tensors, taken while they are read."""

import hashlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of trained tensors: names, types, shapes and bytes. Samples with one fingerprint had the same weights."""
    return Witnessed(tensors).fingerprint()


class Witnessed(Mapping[str, Tensor]):
    """Tensors whose fingerprint is taken as they are read; several threads may read."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self._digests: dict[str, str] = {}

    def __getitem__(self, name: str) -> Tensor:
        tensor = self._tensors[name]
        if name not in self._digests:
            self._digests[name] = _digest(tensor)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def fingerprint(self) -> str:
        """Of all tensors; those that nobody has asked for are read now."""
        for name in self:
            if name not in self._digests:
                self[name]
        lines = (f"{name}:{self._digests[name]}\n" for name in sorted(self._digests))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def _digest(tensor: Tensor) -> str:
    content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
    return f"{tensor.dtype}:{tuple(tensor.shape)}:{hashlib.sha256(content).hexdigest()}"

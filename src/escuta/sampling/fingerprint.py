"""Which weights spoke, as a number: SHA-256 of all trained tensors, taken while they are read."""

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of trained tensors: names, types, shapes and bytes. Samples with one fingerprint had the same weights."""
    return Witnessed(tensors).fingerprint()


class Witnessed(Mapping[str, Tensor]):
    """Tensors whose fingerprint is taken as they are read, by a thread beside the reader."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._digests: dict[str, Future[str]] = {}
        self._newest: Future[str] | None = None

    def __getitem__(self, name: str) -> Tensor:
        tensor = self._tensors[name]
        if name not in self._digests:
            if self._newest:
                self._newest.result()  # no more than two tensors are kept for it
            self._digests[name] = self._newest = self._thread.submit(_digest, tensor)
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
        self._thread.shutdown()
        lines = (f"{name}:{self._digests[name].result()}\n" for name in sorted(self._digests))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def _digest(tensor: Tensor) -> str:
    content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
    return f"{tensor.dtype}:{tuple(tensor.shape)}:{hashlib.sha256(content).hexdigest()}"

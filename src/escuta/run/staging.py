"""Tensors put out of the way of training: copied once into memory that other processes read.

The memory has no name: processes that are to read it inherit its file descriptor. It holds one content at a time, of a
growing generation, so that a reader can tell whether what it read was replaced meanwhile.

    8 bytes: generation, negative while it is being copied | tensors, each at a multiple of 64 bytes | outline

The outline is the pickled content with slots in place of its tensors. It never leaves the processes of one run.
"""

import io
import mmap
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

ALIGNMENT = 64
"""Of every tensor, bytes; one cache line."""

GENERATION_BYTES = 8
WAIT_SECONDS = 0.005
"""Between two looks at a generation that is still being copied."""


class StagingMoved(Exception):
    """What was staged has been replaced by something newer."""


@dataclass(frozen=True, slots=True)
class Staged:
    """Where a content lies; plain numbers, for a message to a process that inherited `fd`."""

    fd: int
    generation: int
    outline_offset: int
    outline_bytes: int


class Slot(NamedTuple):
    """Where one tensor lies."""

    offset: int
    dtype: torch.dtype
    shape: torch.Size

    @property
    def num_bytes(self) -> int:
        """Its length."""
        return self.shape.numel() * self.dtype.itemsize


class Staging:
    """One piece of memory, and the copying into it.

    Copies from a GPU run beside its computing: `settle` says when they are done, `hold_back` keeps the GPU from
    changing what is still being copied.

    Args:
        pinned: Lock the memory in its place: only to such does a GPU copy beside its computing.

    Raises:
        OSError: This system gives no such memory.
    """

    def __init__(self, *, pinned: bool = False) -> None:
        self.fd = _nameless_file()
        self._pinned = pinned
        self._generation = 0
        self._bytes = torch.empty(0, dtype=torch.uint8)
        self._stream: torch.cuda.Stream | None = None
        self._copied: torch.cuda.Event | None = None

    def reserve(self, num_bytes: int) -> None:
        """Take `num_bytes` from the system now, so that no later copy has to.

        Raises:
            OSError: There are not so many.
        """
        if num_bytes <= len(self._bytes):
            return
        os.ftruncate(self.fd, num_bytes)
        cuda: Any = torch.cuda.cudart() if self._pinned else None  # type: ignore[no-untyped-call]
        if cuda and len(self._bytes):
            cuda.cudaHostUnregister(self._bytes.data_ptr())
        self._bytes = torch.frombuffer(mmap.mmap(self.fd, num_bytes), dtype=torch.uint8)
        self._bytes.zero_()
        if cuda:
            cuda.cudaHostRegister(self._bytes.data_ptr(), num_bytes, 0)

    def put(self, content: Any) -> Staged:
        """Copy `content`, any plain data with tensors in it, over what was here before.

        Raises:
            OSError: There is not enough memory.
        """
        outline, tensors, slots = _outlined(content)
        outline_offset = _end(slots)
        self.reserve(outline_offset + len(outline))
        self._generation += 1
        self._write_generation(-self._generation)
        self._bytes[outline_offset : outline_offset + len(outline)] = torch.frombuffer(outline, dtype=torch.uint8)
        self._copy(tensors, slots)
        self.settle()
        return Staged(self.fd, self._generation, outline_offset, len(outline))

    def settle(self, *, wait: bool = False) -> bool:
        """Whether all is copied, and readers may read.

        Args:
            wait: Until it is.
        """
        if not len(self._bytes):
            return True
        if self._copied:
            if wait:
                self._copied.synchronize()
            if not self._copied.query():  # type: ignore[no-untyped-call]
                return False
            self._copied = None
        self._write_generation(self._generation)
        return True

    def hold_back(self) -> None:
        """Let what is queued on the GPU from now on wait for the copies; the caller does not."""
        if self._copied:
            torch.cuda.current_stream().wait_event(self._copied)

    def close(self) -> None:
        """Give the memory back, once the processes that inherited it have too."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def _copy(self, tensors: list[Tensor], slots: list[Slot]) -> None:
        device = next((tensor.device for tensor in tensors if tensor.is_cuda), None)
        if device is None:
            for tensor, slot in zip(tensors, slots, strict=True):
                _view(self._bytes, slot).copy_(tensor.detach())
            return
        self._stream = self._stream or torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(self._stream):
            for tensor, slot in zip(tensors, slots, strict=True):
                _view(self._bytes, slot).copy_(tensor.detach(), non_blocking=True)
                if tensor.is_cuda:
                    tensor.record_stream(self._stream)  # a merged one may go before it is copied
            self._copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._copied.record(self._stream)

    def _write_generation(self, generation: int) -> None:
        self._bytes[:GENERATION_BYTES].view(torch.int64)[0] = generation


class StagedTensors(Mapping[str, Tensor]):
    """Staged tensors by name, each copied when it is asked for: no more than one is in memory twice.

    Raises:
        StagingMoved: They were replaced. Also when a tensor is asked for, so what was read before is whole.
    """

    def __init__(self, staged: Staged) -> None:
        self._staged = staged
        _wait_until_copied(staged)
        self._slots: Mapping[str, Slot] = _read_outline(staged, lambda slot: slot)

    def __getitem__(self, name: str) -> Tensor:
        slot = self._slots[name]
        tensor = torch.empty(slot.shape, dtype=slot.dtype)
        _read_into(tensor, self._staged.fd, slot.offset)
        _refuse_moved(self._staged)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)


def look_at(staged: Staged) -> Any:
    """What was staged, with tensors that look on the memory itself; it must not be replaced meanwhile.

    Raises:
        StagingMoved: It was replaced.
    """
    _wait_until_copied(staged)
    memory = mmap.mmap(staged.fd, os.fstat(staged.fd).st_size)

    def looking(slot: Slot) -> Tensor:
        if not slot.num_bytes:
            return torch.empty(slot.shape, dtype=slot.dtype)
        # A storage of its own for each: torch.save writes whole storages.
        flat = torch.frombuffer(memory, dtype=slot.dtype, count=slot.shape.numel(), offset=slot.offset)
        return flat.view(slot.shape)

    return _read_outline(staged, looking)


def _nameless_file() -> int:
    """Memory where the system has it without a name and without a limit of its own, else a file already unlinked."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("escuta-staging")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class _Outliner(pickle.Pickler):
    """Pickles everything but tensors, of which it keeps a list."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.tensors: list[Tensor] = []
        self.slots: list[Slot] = []

    def persistent_id(self, obj: Any) -> tuple[int, str, tuple[int, ...]] | None:
        if not isinstance(obj, Tensor):
            return None
        slot = Slot(_end(self.slots), obj.dtype, obj.shape)
        self.tensors.append(obj)
        self.slots.append(slot)
        return slot.offset, str(slot.dtype).removeprefix("torch."), tuple(slot.shape)


class _Inliner(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, fill: Callable[[Slot], Any]) -> None:
        super().__init__(file)
        self._fill = fill

    def persistent_load(self, pid: Any) -> Any:
        offset, dtype, shape = pid
        return self._fill(Slot(offset, getattr(torch, dtype), torch.Size(shape)))


def _outlined(content: Any) -> tuple[bytearray, list[Tensor], list[Slot]]:
    file = io.BytesIO()
    outliner = _Outliner(file)
    outliner.dump(content)
    return bytearray(file.getvalue()), outliner.tensors, outliner.slots


def _end(slots: list[Slot]) -> int:
    """The first aligned place after all `slots`."""
    end = slots[-1].offset + slots[-1].num_bytes if slots else GENERATION_BYTES
    return -(-end // ALIGNMENT) * ALIGNMENT


def _read_outline(staged: Staged, fill: Callable[[Slot], Any]) -> Any:
    outline = os.pread(staged.fd, staged.outline_bytes, staged.outline_offset)
    _refuse_moved(staged)
    return _Inliner(io.BytesIO(outline), fill).load()


def _view(memory: Tensor, slot: Slot) -> Tensor:
    return memory[slot.offset : slot.offset + slot.num_bytes].view(slot.dtype).view(slot.shape)


def _read_into(tensor: Tensor, fd: int, offset: int) -> None:
    left = memoryview(tensor.reshape(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]
    while len(left):
        num_read = os.preadv(fd, [left], offset)
        left, offset = left[num_read:], offset + num_read


def _wait_until_copied(staged: Staged) -> None:
    while _generation(staged.fd) == -staged.generation:
        time.sleep(WAIT_SECONDS)
    _refuse_moved(staged)


def _refuse_moved(staged: Staged) -> None:
    if _generation(staged.fd) != staged.generation:
        raise StagingMoved


def _generation(fd: int) -> int:
    return int.from_bytes(os.pread(fd, GENERATION_BYTES, 0), sys.byteorder, signed=True)

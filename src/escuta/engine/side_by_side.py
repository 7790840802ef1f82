"""Many small pieces of work that PyTorch does on one thread each, done on all of them at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

PieceT = TypeVar("PieceT")
DoneT = TypeVar("DoneT")


def side_by_side(work: Callable[[PieceT], DoneT], pieces: Iterable[PieceT]) -> list[DoneT]:
    """Do `work` on all `pieces`, as many at once as PyTorch has threads here, each on one; in their order.

    Reading files, hashing and packing matrices leave Python to others meanwhile.
    """
    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(work, pieces))
    finally:
        torch.set_num_threads(threads)

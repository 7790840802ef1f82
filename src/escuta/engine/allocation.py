"""Memory that is really given back when it is freed."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

MMAP_THRESHOLD = -3
"""M_MMAP_THRESHOLD of mallopt(3), the GNU C library's."""

APART_BYTES = 1 << 20
USUAL_BYTES = 32 << 20
"""What the C library itself comes to after the first large block: fastest for blocks that come and go all the time."""


@contextmanager
def large_blocks_apart() -> Iterator[None]:
    """Have blocks of a megabyte and more of their own from the system, while many are needed once.

    Otherwise they leave holes between those that stay: 0.3 GB after packing XTTS-v2 once, and more each time.
    """
    _set_threshold(APART_BYTES)
    try:
        yield
    finally:
        _set_threshold(USUAL_BYTES)


def _set_threshold(num_bytes: int) -> None:
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(MMAP_THRESHOLD, num_bytes)

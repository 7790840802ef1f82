"""Files that appear whole or not at all: written beside their final name, synced, renamed."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FULL = {errno.ENOSPC, errno.EDQUOT}
"""What the system says when a disk, or one's share of it, is full."""


@contextmanager
def publishing(path: Path) -> Iterator[Path]:
    """Yield an empty partial file beside `path`; on success it takes `path`'s name, on any failure it is removed.

    A kill leaves at most a `.partial` file, which no reader looks for.

    Raises:
        OSError: The folder cannot be written, or the disk is full; it names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        partial.write_bytes(b"")
        yield partial
        _sync(partial)
        partial.replace(path)
        _sync(path.parent)
    except OSError as error:
        if error.filename is None or str(error.filename) == str(partial):
            error.filename = str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def publish_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 under `path`, whole or not at all."""
    with publishing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def publish_torch(path: Path, content: Any) -> None:
    """Write `content` as PyTorch does under `path`, whole or not at all.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    import torch

    with publishing(path) as partial, partial.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:  # torch's zip writer answers a failed write with an error of its own
            raise _cause(error) from None


def publish_copy(source: Path, path: Path) -> None:
    """Put the content of `source` under `path`: a hard link where the file system has them, else a copy."""
    with publishing(path) as partial:
        partial.unlink()
        try:
            os.link(source.resolve(), partial)
        except OSError:
            shutil.copyfile(source, partial)


def remove_partials(folder: Path, names: str = "*") -> None:
    """Remove what a killed writer left in `folder` of files whose names match; only their one writer may ask."""
    for partial in folder.glob(f".{names}.partial"):
        partial.unlink()


def _cause(error: BaseException) -> BaseException:
    """The system's error that led to `error`, where there is one."""
    cause: BaseException | None = error
    while cause and not isinstance(cause, OSError):
        cause = cause.__context__
    return cause or error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

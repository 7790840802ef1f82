"""The work folder: where every stage reads and writes, and how a file appears there whole or not at all."""

import argparse
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WORK = HERE / "work"


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options of every stage; a stage adds its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--work", type=Path, default=WORK, help="folder of everything that is not committed")
    return parser


def publish(path: Path, content: bytes) -> None:
    """Write `content` beside `path` and rename it, so that nobody sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write a whole JSONL file."""
    publish(path, "".join(line(row) for row in rows).encode())


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSONL file, none where there is no file; a line that a kill tore is left out."""
    if not path.exists():
        return
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(text)
        except json.JSONDecodeError:
            continue


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Add one row to a JSONL file; a line that a kill tore before is closed first."""
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(line(row).encode())


def line(row: dict[str, Any]) -> str:
    """One row of a JSONL file."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"

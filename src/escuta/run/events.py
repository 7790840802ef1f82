"""What happened in a run: one JSON line an event, appended by the training process alone."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from escuta.run.publish import FULL


class EventLog:
    """Append events to `path`; each line is whole once `write` returns, or waits in memory while the disk is full.

    Args:
        path: Of the file.
        heard: Called with each event that was written.
    """

    def __init__(self, path: Path, heard: Callable[[Mapping[str, Any]], None] | None = None) -> None:
        self._path = path
        self._heard = heard
        self._pending = b""

    def write(self, event: str, fields: Mapping[str, Any]) -> None:
        """Append one event with its fields; `time` is seconds since 1970."""
        content = {"event": event, "time": round(time.time(), 3), **fields}
        plain = {name: value if _is_json(value) else None for name, value in content.items()}
        self._pending += json.dumps(plain, ensure_ascii=False).encode() + b"\n"
        try:
            with self._path.open("ab") as file:
                if file.tell() and not _ends_with_newline(self._path):
                    file.write(b"\n")  # a kill tore the last line: begin anew, so that only that line is lost
                file.write(self._pending)
            self._pending = b""
        except OSError as error:
            if error.errno not in FULL:
                raise
        if self._heard:
            self._heard(plain)


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the events of `path` in order; lines torn by a kill are passed over."""
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n"):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _is_json(value: object) -> bool:
    """JSON has neither NaN nor infinity."""
    return not isinstance(value, float) or math.isfinite(value)


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"

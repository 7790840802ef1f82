"""What happened in a run: one JSON line an event, appended by the training process alone."""

import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class EventLog:
    """Append events to `path`; each line is whole once `write` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, event: str, fields: Mapping[str, Any]) -> None:
        """Append one event with its fields; `time` is seconds since 1970."""
        content = {"event": event, "time": round(time.time(), 3), **fields}
        plain = {name: value if _is_json(value) else None for name, value in content.items()}
        line = json.dumps(plain, ensure_ascii=False)
        with self._path.open("ab") as file:
            if file.tell() and not _ends_with_newline(self._path):
                line = "\n" + line  # a kill tore the last line: begin anew, so that only that line is lost
            file.write(line.encode() + b"\n")


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

"""What is new in a run's folder while somebody looks at its page: a look a second, at a few files."""

import json
import threading
from pathlib import Path
from typing import Any

from escuta.report.view import view
from escuta.run.folder import RunFolder

LOOK_SECONDS = 1.0
NOT_SHOWN = {"step"}
"""Events that do not change the page: there may be many in a second."""


class LiveRun:
    """A run whose view is made anew when its files have changed; may be called from several threads.

    Args:
        run: The run.
        address: What comes before `samples/` and `pictures/` on the server.
    """

    def __init__(self, run: RunFolder, address: str) -> None:
        self.run = run
        self._address = address
        self._seen: list[int] = []
        self._offset = 0  # of events.jsonl, up to which it was read: the end of a line
        self._version = 0
        self._view: tuple[int, dict[str, Any]] | None = None
        self._looking, self._making = threading.Lock(), threading.Lock()

    def version(self) -> int:
        """Look at the folder; return a number that grows when there is something new to show."""
        with self._looking:
            paths = (self.run.samples, self.run.checkpoints, self.run.facts, self.run.settings)
            now = [_changed(path) for path in paths]  # files appear by a rename, which changes their folder
            has_events = self._has_events()
            if now != self._seen or has_events:
                self._seen = now
                self._version += 1
            return self._version

    def view(self) -> dict[str, Any]:
        """What the page shows of the run now, with the server's addresses."""
        with self._making:
            version = self.version()
            if self._view is None or self._view[0] != version:
                addresses = {"samples": f"{self._address}samples/", "pictures": f"{self._address}pictures/"}
                self._view = version, {**view(self.run), **addresses}
            return self._view[1]

    def _has_events(self) -> bool:
        """Whether events were appended; a last line that is torn waits until it is whole."""
        try:
            with self.run.events.open("rb") as file:
                if file.seek(0, 2) < self._offset:
                    self._offset = 0  # another run took its place
                file.seek(self._offset)
                new, newline, _torn = file.read().rpartition(b"\n")
        except OSError:
            return False
        self._offset += len(new) + len(newline)
        return any(_is_shown(line) for line in new.splitlines())


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _is_shown(line: bytes) -> bool:
    try:
        event = json.loads(line)
    except ValueError:
        return False  # torn by a kill
    return isinstance(event, dict) and event.get("event") not in NOT_SHOWN

"""The process that writes checkpoints: from the memory where training has put them to the disk.

Message in: `{"path": ..., "best": ... or null, "weights": {...}, "state": {...}}`, the last two as in `Staged`.
Messages out: `{"seconds": ...}` once it is written, or `{"refused": [errno, reason, file]}`, what the system said.
"""

import sys
import time
from pathlib import Path
from typing import Any

from escuta.run.checkpoints import write_tables
from escuta.run.child import claim_standard_output, encode_line, parent_messages
from escuta.run.publish import publish_copy
from escuta.run.staging import Staged, look_at

COMMAND = (sys.executable, "-m", "escuta.run.writer")
"""What starts this process."""


def main() -> int:
    """Write what comes until the parent wants an end."""
    output = claim_standard_output()
    told = parent_messages()
    while (order := told.get()) is not None:
        output.write(encode_line(_obey(order)))
        output.flush()
    return 0


def write_staged(path: Path, best: Path | None, weights: Staged, state: Staged) -> None:
    """Write a staged checkpoint under `path`, and under `best` too; whole or not at all.

    Raises:
        OSError: The disk is full or the folder cannot be written.
        StagingMoved: Something newer is there.
    """
    write_tables(path, look_at(weights), look_at(state))
    if best:
        publish_copy(path, best)


def _obey(order: dict[str, Any]) -> dict[str, Any]:
    started = time.perf_counter()
    path, best = Path(order["path"]), Path(order["best"]) if order["best"] else None
    try:
        write_staged(path, best, Staged(**order["weights"]), Staged(**order["state"]))
    except OSError as error:
        return {"refused": [error.errno, error.strerror, error.filename]}
    return {"seconds": round(time.perf_counter() - started, 3)}


if __name__ == "__main__":
    sys.exit(main())

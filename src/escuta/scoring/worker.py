"""The process that scores: names of samples come in on standard input, what they scored goes out on standard output.

It knows nothing of training, and fetches nothing. It ends when its input ends, so that it never outlives the training
that started it.

Message in: `{"name": "epoch_3"}`. Messages out: `{"alive": true}`, `{"ready": true}`, `{"scored": {...}}` with the
fields of the event, `{"unscored": {"name": ..., "reason": ...}}`, `{"fatal": "..."}`.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from escuta.errors import EscutaError
from escuta.messages import _
from escuta.run.child import claim_standard_output, encode_line, parent_messages
from escuta.run.folder import RunFolder
from escuta.run.priority import step_back
from escuta.settings import load_settings

if TYPE_CHECKING:
    from escuta.scoring.scorer import Scorer


def main() -> int:
    """Score what comes until standard input ends."""
    step_back()
    options = _options()
    output = claim_standard_output()
    messages = parent_messages()

    def send(message: Mapping[str, Any]) -> None:
        output.write(encode_line(message))
        output.flush()

    import torch

    from escuta.scoring.scorer import Scorer

    torch.set_num_threads(options.threads)
    try:
        run = RunFolder(options.run)
        settings = load_settings(run.settings, environment={}).scores
        scorer = Scorer(run, settings, options.threads, lambda: send({"alive": True}))
        send({"ready": bool(scorer.instruments)})
    except Exception as error:  # whatever it is, it would be the same again
        traceback.print_exc()
        send({"fatal": _cause(error)})
        return 2
    while (message := messages.get()) is not None:
        send(_score(scorer, message["name"]))
    return 0


def command(run: Path, threads: int) -> list[str]:
    """The command line that starts this process."""
    return [sys.executable, "-m", "escuta.scoring.worker", str(run), "--threads", str(threads)]


def _score(scorer: "Scorer", name: str) -> dict[str, Any]:
    try:
        sheet = scorer.score(name)
    except Exception as error:  # the outermost line: a failure is an answer that names its cause
        traceback.print_exc()
        return {"unscored": {"name": name, "reason": _cause(error)}}
    if sheet is None:
        return {"unscored": {"name": name, "reason": _("nothing is there to score")}}
    return {"scored": {"name": name, **sheet.event()}}


def _cause(error: Exception) -> str:
    """Plain words where there are some, else the kind of error and its first line."""
    if isinstance(error, EscutaError | OSError):
        return str(error)
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="escuta.scoring.worker", description=_("Scores samples of a training."))
    parser.add_argument("run", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # Python's own end would abort on the thread that still reads standard input

"""How soon samples come, and what they cost training, by the niceness of the process that speaks.

    python -m bench.niceness [--niceness 19 10 5]

Each run trains the demo for six epochs on the CPU with a random base; the first one with nobody speaking, to compare
with. Run it on a quiet machine: a third busy process changes everything.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from escuta.data.demo import DEMO_VOICE
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from escuta.sampling import background
from escuta.settings import load_settings
from escuta.terminal import Terminal
from escuta.training.request import Request
from escuta.training.start import start

EPOCHS = 6


def main(arguments: Sequence[str] | None = None) -> int:
    """Train once for each niceness, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.niceness", description="Compare levels of niceness.")
    parser.add_argument("--niceness", type=int, nargs="+", default=[19, 10, background.NICENESS])
    table = Table("niceness", "training s", "run ends s", f"delay s, epochs 0 to {EPOCHS}")
    for niceness in [None, *parser.parse_args(arguments).niceness]:
        table.add_row("nobody speaks" if niceness is None else str(niceness), *measure(niceness))
    Console().print(f"{os.cpu_count()} CPUs", table)
    return 0


def measure(niceness: int | None) -> list[str]:
    """Train once; tell when training ended, when the run did, and how long after its checkpoint each sample came."""
    background.NICENESS = niceness or 0
    flags = {
        "base": "random",
        "language": "en",
        "training.epochs": EPOCHS,
        "training.learning_rate": 5e-4,
        "training.device": "cpu",
        "sampling.mode": "off" if niceness is None else "background",
    }
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        start(Request(DEMO_VOICE, run, load_settings(None, flags, environment={})), Terminal(), lambda _run: None)
        events = list(read_events(run.events))
    begun = events[0]["time"]
    epochs_end = max(event["time"] for event in events if event["event"] == "epoch")
    asked = {event["name"]: event["time"] for event in events if event["event"] == "sample_asked"}
    spoken = {event["name"]: event["time"] for event in events if event.get("status") == "spoken"}
    delays = [f"{spoken[name] - time:.1f}" if name in spoken else "skipped" for name, time in asked.items()]
    return [f"{epochs_end - begun:.1f}", f"{events[-1]['time'] - begun:.1f}", ", ".join(delays)]


if __name__ == "__main__":
    raise SystemExit(main())

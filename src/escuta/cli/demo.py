"""`escuta demo`: the main job on the bundled voice, in a few minutes."""

from pathlib import Path
from typing import Annotated

import typer

from escuta.cli.options import Set, flags
from escuta.messages import _
from escuta.settings import load_settings


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")] = Path("demo-run"),
    base: Annotated[str, typer.Option(help="The model to start from: a folder, xtts-v2, random or auto.")] = "random",
    set_: Set = None,
) -> None:
    """Fine-tune on a bundled human voice for three epochs, and hear each; an earlier demo is moved aside."""
    from escuta.data.demo import DEMO_VOICE
    from escuta.report.page import write_report
    from escuta.run.folder import RunFolder
    from escuta.terminal import Terminal
    from escuta.training.request import Request
    from escuta.training.start import start
    from escuta.training.summary import summary

    given = {"base": base, "language": "en", "training.epochs": 3, "training.learning_rate": 5e-4}
    run = RunFolder(out)
    settings = load_settings(None, flags(given, set_))
    terminal = Terminal()
    terminal.say(_("Demo: 60 clips of one human speaker, 3 epochs, a sample of each."))
    outcome = start(Request(DEMO_VOICE, run, settings, fresh=True), terminal, on_news=write_report)
    terminal.say(*summary(run, outcome))
    if base == "random":
        terminal.say(_("The base model was random: the samples are noise. With --base xtts-v2 they speak."))

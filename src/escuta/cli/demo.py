"""`escuta demo`: the main job on a bundled voice, in a few minutes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from escuta.cli.options import Set, flags
from escuta.messages import _
from escuta.settings import load_settings

EPOCHS = 5
DECODER = "training.decoder_learning_rate"
"""Without it nano's decoder, which knows fifty voices, would bound how near it comes to another."""
LEARNING: Mapping[str, Mapping[str, float]] = {
    "nano": {"training.learning_rate": 1e-4, DECODER: 1e-3, "training.ema_decay": 0.98},
    "random": {"training.learning_rate": 5e-4},
}
"""By base; small models, so that they learn something in so few steps. For others it is advised."""


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")] = Path("demo-run"),
    voice: Annotated[
        Literal["allison", "dora"], typer.Option(help="A human voice in English, or a synthetic one in Portuguese.")
    ] = "allison",
    base: Annotated[
        str, typer.Option(help="The model to start from: a folder, xtts-v2, f5-tts, nano, random, random-f5 or auto.")
    ] = "nano",
    set_: Set = None,
) -> None:
    """Fine-tune on a bundled voice for five epochs, and hear each; an earlier demo is moved aside."""
    from escuta.data.demo import DEMO_VOICES
    from escuta.report.epoch_table import epoch_table
    from escuta.report.page import write_report
    from escuta.run.folder import RunFolder
    from escuta.terminal import Terminal
    from escuta.training.request import Request
    from escuta.training.start import start
    from escuta.training.summary import summary

    chosen = DEMO_VOICES[voice]
    learning = dict(LEARNING.get(base, {}))
    if "training.lora_rank" in flags({}, set_):  # beside which a decoder does not learn
        learning.pop(DECODER, None)
    given = {
        "base": base,
        "language": chosen.language,
        "training.epochs": EPOCHS,
        "sampling.mode": "background",
        **learning,
    }
    run = RunFolder(out)
    settings = load_settings(None, flags(given, set_))
    terminal = Terminal()
    speaker = _("one human speaker") if chosen.is_human else _("one synthetic speaker")
    terminal.say(
        _("Demo: 60 clips of {speaker}, {epochs} epochs, a sample of each.").format(
            speaker=speaker, epochs=settings.training.epochs
        )
    )
    outcome = start(Request(chosen.folder, run, settings, fresh=True), terminal, on_news=write_report)
    terminal.say(*epoch_table(run), *summary(run, outcome))
    if run.read_facts()["base"]["kind"] == "random":
        terminal.say(_("The base model was random: the samples are noise. With --base xtts-v2 they speak."))

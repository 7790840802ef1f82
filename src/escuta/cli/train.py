"""`escuta train`: fine-tune, and hear every checkpoint."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from escuta.cli.options import AcceptLicence, Base, Language, Precision, Set, SettingsFile, ask_licence, flags
from escuta.settings import Mode, load_settings


def train(  # noqa: PLR0913 - a command line, not a function that anybody calls
    dataset: Annotated[Path, typer.Argument(help="Folder with wavs/ and metadata.csv.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.", show_default=False)],
    base: Base = None,
    language: Language = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the clips.", show_default=False)] = None,
    patience: Annotated[
        int | None, typer.Option(metavar="EPOCHS", help="End after so many without improvement.", show_default=False)
    ] = None,
    stop_on: Annotated[
        Literal["val_loss", "score"] | None, typer.Option(help="What has to improve.", show_default=False)
    ] = None,
    lora: Annotated[
        int | None, typer.Option(metavar="RANK", help="Learn low-rank additions, not the model.", show_default=False)
    ] = None,
    mode: Annotated[Mode | None, typer.Option(help="Who speaks the checkpoints.", show_default=False)] = None,
    precision: Annotated[
        Precision | None, typer.Option(help="Of the weights that speak them.", show_default=False)
    ] = None,
    sentences: Annotated[
        Path | None, typer.Option(help="A file of sentences to speak, one a line.", show_default=False)
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="A recording to clone the voice from.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run that is there.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Move the run that is there aside.")] = False,
    accept_changed_data: Annotated[
        bool, typer.Option("--accept-changed-data", help="Resume although clips were added, removed or edited.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell plan, memory, time and disk; train and write nothing.")
    ] = False,
    tracker: Annotated[
        list[str] | None,
        typer.Option(help="Where numbers and samples go too: tensorboard, wandb, ...", show_default=False),
    ] = None,
    accept_licence: AcceptLicence = False,
    settings: SettingsFile = None,
    set_: Set = None,
) -> None:
    """Fine-tune a voice and hear every checkpoint while it trains."""
    from escuta.report.page import write_report
    from escuta.run.folder import RunFolder
    from escuta.terminal import Terminal
    from escuta.training.rehearsal import rehearse
    from escuta.training.request import Request
    from escuta.training.start import start
    from escuta.training.summary import summary

    run = RunFolder(out)
    given = {
        "base": base,
        "language": language,
        "training.epochs": epochs,
        "training.patience": patience,
        "training.stop_on": stop_on,
        "training.lora_rank": lora,
        "training.trackers": tracker,
        "sampling.mode": mode,
        "sampling.precision": precision,
        "sampling.sentences": sentences,
        "sampling.reference": reference,
    }
    file = run.settings if resume and settings is None and run.settings.exists() else settings
    request = Request(
        dataset=dataset,
        run=run,
        settings=load_settings(file, flags(given, set_)),
        resume=resume,
        fresh=fresh,
        accept_changed_data=accept_changed_data,
        accept_licence=accept_licence,
        ask_licence=ask_licence if sys.stdin.isatty() else None,
    )
    terminal = Terminal()
    if dry_run:
        rehearse(request, terminal)
        return
    outcome = start(request, terminal, on_news=write_report)
    terminal.say(*summary(run, outcome))
    if outcome.ended == "interrupted":
        raise typer.Exit(130)

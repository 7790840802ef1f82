"""`escuta sample`: have checkpoints of a run spoken, later."""

from pathlib import Path
from typing import Annotated

import typer

from escuta.errors import SettingsError
from escuta.messages import _


def sample(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    every: Annotated[bool, typer.Option("--all", help="Every checkpoint there is, and the base model.")] = False,
    missing: Annotated[bool, typer.Option("--missing", help="Those that have no sample yet.")] = False,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(help="One checkpoint: a file, or a name in the run's checkpoints/.", show_default=False),
    ] = None,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda, mps.")] = "cpu",
) -> None:
    """Speak checkpoints of a run, with the sentences, reference and seed of its training."""
    from escuta.report.page import write_report
    from escuta.run.folder import RunFolder
    from escuta.sampling.later import choose_checkpoints, speak_later
    from escuta.terminal import Terminal

    if not (every or missing or checkpoint):
        raise SettingsError(_("escuta sample: nothing chosen; expected --all, --missing or --checkpoint NAME."))
    folder = RunFolder(run)
    folder.read_facts()
    with folder.in_use():  # a training there writes samples too
        chosen = choose_checkpoints(folder, every=every, missing=missing, names=checkpoint or [])
        failures = speak_later(folder, chosen, device=device, terminal=Terminal())
        write_report(folder)
    if failures:
        raise typer.Exit(2)

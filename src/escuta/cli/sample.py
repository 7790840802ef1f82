"""`escuta sample`: have checkpoints of a run spoken, later."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from escuta.errors import SettingsError
from escuta.messages import _

Precision: TypeAlias = Literal["auto", "exact", "bf16", "int8"]


def sample(  # noqa: PLR0913 - a command line, not a function that anybody calls
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    every: Annotated[bool, typer.Option("--all", help="Every checkpoint there is, and the base model.")] = False,
    missing: Annotated[bool, typer.Option("--missing", help="Those that have no sample yet.")] = False,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(help="One checkpoint: a file, or a name in the run's checkpoints/.", show_default=False),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Make samples anew that are up to date.")] = False,
    sentences: Annotated[
        Path | None, typer.Option(help="A file of other sentences, one a line; with --out.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the samples, not the run's.", show_default=False)
    ] = None,
    precision: Annotated[
        Precision | None, typer.Option(help="Of the weights that speak; the run's own setting.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda, mps.")] = "cpu",
) -> None:
    """Speak checkpoints of a run, with the sentences, reference and seed of its training; go on where it stopped."""
    from escuta.report.page import write_report
    from escuta.run.checkpoints import list_checkpoints
    from escuta.run.folder import RunFolder
    from escuta.sampling.later import choose_checkpoints, speak_later
    from escuta.sampling.rank import read_rank
    from escuta.sampling.recital import Wish
    from escuta.terminal import Terminal

    if not (every or missing or checkpoint):
        raise SettingsError(_("escuta sample: nothing chosen; expected --all, --missing or --checkpoint NAME."))
    rank = read_rank(os.environ)
    if again and rank.of > 1:
        raise SettingsError(
            _("--again: for one process alone, this is one of {n}. Move the samples away, then use --all.").format(
                n=rank.of
            )
        )
    folder = RunFolder(run)
    folder.read_facts()
    wish = Wish(device=rank.device(device), precision=precision, again=again, sentences=sentences, out=out)
    terminal = Terminal()
    writes_report = rank.is_first and out is None
    with (RunFolder(out) if out else folder).in_use(shared=True):  # a training there writes samples too
        try:
            chosen = choose_checkpoints(folder, every=every, missing=missing, names=checkpoint or [], samples=out)
            if every and rank.is_first and not list_checkpoints(folder):
                terminal.say(
                    _("⚠️  {folder}: no checkpoints; only the base model speaks.").format(folder=folder.checkpoints)
                )
            failed = speak_later(folder, chosen, wish, terminal, rank)
        except KeyboardInterrupt:
            if rank.is_first:
                others = _("The others are as they were.") if again else _("The same command goes on.")
                print(_("Interrupted; finished samples are kept."), others, file=sys.stderr)
            raise typer.Exit(130) from None
        finally:
            if writes_report:
                write_report(folder)
    if failed and rank.is_first:
        raise typer.Exit(2)

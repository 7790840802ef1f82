"""`escuta doctor`: what this machine can do, and why a sample made on its GPU would fail."""

import json
from pathlib import Path
from typing import Annotated

import typer

from escuta.cli.options import Base
from escuta.messages import _


def doctor(
    base: Base = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for a bug report.")] = False,
    reproducer: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write a script that shows what cuFFT does, for its makers.", show_default=False
        ),
    ] = None,
) -> None:
    """Say what this machine can do, and why a sample made on its GPU would fail; exit status 2 when it cannot train.

    Without --base a small random model is tried. Nothing is downloaded.
    """
    from escuta.doctor.examination import examine
    from escuta.doctor.gpu import Facts
    from escuta.doctor.report import document, page, sections, works
    from escuta.doctor.reproducer import refuse_existing, write_reproducer
    from escuta.terminal import Terminal

    if reproducer:
        refuse_existing(reproducer)
    terminal = Terminal()
    if as_json:
        found = examine(Path(), base, lambda _done, _total: None)
        typer.echo(json.dumps(document(found), indent=2, ensure_ascii=False))
    else:
        with terminal.waiting(_("Examining this machine")) as progress:
            found = examine(Path(), base, progress)
        terminal.say(*page(found))
    if reproducer:
        write_reproducer(reproducer, found.facts or Facts())
        if not as_json:
            terminal.say(_("Reproducer: {file}").format(file=reproducer))
    if not works(sections(found)):
        raise typer.Exit(2)

"""`escuta report`: the page of a run, made anew."""

from pathlib import Path
from typing import Annotated

import typer

from escuta.messages import _


def report(run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)]) -> None:
    """Write report.html from what the run's folder holds now."""
    from escuta.report.page import write_report
    from escuta.run.folder import RunFolder
    from escuta.terminal import Terminal

    folder = RunFolder(run)
    folder.read_facts()
    write_report(folder)
    Terminal().say(_("Report:  {file}").format(file=folder.report))

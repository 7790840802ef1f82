"""`escuta export`: a checkpoint as a model folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escuta.messages import _

if TYPE_CHECKING:
    from escuta.run.folder import RunFolder


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="Folder to write, new or empty.", show_default=False)],
    checkpoint: Annotated[
        str, typer.Option(help="A checkpoint: a file, or a name in the run's checkpoints/.")
    ] = "best_model.pt",
    best_by_score: Annotated[
        bool, typer.Option("--best-by-score", help="The checkpoint whose samples scored best.")
    ] = False,
) -> None:
    """Write a checkpoint as a model folder that coqui-tts and escuta load."""
    from escuta.run.checkpoints import find_checkpoint
    from escuta.run.folder import RunFolder
    from escuta.terminal import Terminal

    source = RunFolder(run)
    path = find_checkpoint(source, source.best_by_score.name if best_by_score else checkpoint)
    caveat = write_model(source, path, folder)
    terminal = Terminal()
    terminal.say(_("✅ {checkpoint} exported: {folder}").format(checkpoint=path.name, folder=folder))
    if caveat:
        terminal.say(f"⚠️  {caveat}")


def write_model(run: "RunFolder", checkpoint: Path, folder: Path) -> str | None:
    """Write a checkpoint of `run` as a model folder; return what the user should know of it."""
    from escuta.models.load import load_model
    from escuta.run.checkpoints import read_checkpoint

    model = load_model(run.base_folder(), uses=["training"])
    model.load_trained(read_checkpoint(checkpoint).model, str(checkpoint))
    return model.export(folder)

"""`escuta export`: a checkpoint as a model folder."""

from pathlib import Path
from typing import Annotated

import typer

from escuta.messages import _


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="Folder to write, new or empty.", show_default=False)],
    checkpoint: Annotated[
        str, typer.Option(help="A checkpoint: a file, or a name in the run's checkpoints/.")
    ] = "best_model.pt",
) -> None:
    """Write a checkpoint as a model folder that coqui-tts and escuta load."""
    from escuta.models.load import load_model
    from escuta.run.checkpoints import find_checkpoint, read_checkpoint
    from escuta.run.folder import RunFolder
    from escuta.terminal import Terminal

    source = RunFolder(run)
    path = find_checkpoint(source, checkpoint)
    model = load_model(source.base_folder(), uses=["training"])
    model.load_trained(read_checkpoint(path).model, str(path))
    caveat = model.export(folder)
    terminal = Terminal()
    terminal.say(_("✅ {checkpoint} exported: {folder}").format(checkpoint=path.name, folder=folder))
    if caveat:
        terminal.say(f"⚠️  {caveat}")

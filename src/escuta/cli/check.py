"""`escuta check`: everything that is wrong with a dataset."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from escuta.cli.options import AcceptLicence, Base, Language
from escuta.errors import SettingsError
from escuta.messages import _


def check(
    dataset: Annotated[Path, typer.Argument(help="Folder with wavs/ and metadata.csv.", show_default=False)],
    base: Base = None,
    language: Language = None,
    accept_licence: AcceptLicence = False,
) -> None:
    """List every problem of a dataset; exit status 1 when there is any.

    With --base and --language the texts are checked against the model's vocabulary too.
    """
    from escuta.data.checks import check as check_dataset
    from escuta.data.dataset import MIN_CLIPS
    from escuta.models.bases import find_base
    from escuta.models.load import load_model
    from escuta.terminal import Terminal

    limits, text_problems = None, None
    if base is not None:
        if language is None:
            raise SettingsError(_("language: not given; expected that of the clips. Add --language pt, en, es, ..."))
        model = load_model(find_base(base, accept_licence=accept_licence).folder, uses=["features"])
        limits = model.clip_limits
        text_problems = partial(model.text_problems, language=model.language(language), learning=True)
    terminal = Terminal()
    with terminal.waiting(_("Listening to the clips")) as heard:
        findings = check_dataset(dataset, limits=limits, text_problems=text_problems, progress=heard)
    terminal.say(*findings.lines())
    too_few = len(findings.clips) < MIN_CLIPS
    if too_few:
        terminal.say(_("Too few to train on; expected {n} clips or more. Add some.").format(n=MIN_CLIPS))
    if findings.problems or too_few:
        raise typer.Exit(1)

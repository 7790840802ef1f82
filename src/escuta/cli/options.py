"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import typer

from escuta.errors import SettingsError
from escuta.messages import _
from escuta.settings import plain_value

Base = Annotated[
    str | None,
    typer.Option(
        help="The model to start from: a folder, xtts-v2, f5-tts, nano, random, random-f5 or auto.", show_default=False
    ),
]
Language = Annotated[
    str | None, typer.Option("--language", "-l", help="Language of the text: pt, en, es, ...", show_default=False)
]
AcceptLicence = Annotated[
    bool,
    typer.Option(
        "--accept-licence", help="Agree to the licence of XTTS-v2 (CPML) or F5-TTS (CC-BY-NC), non-commercial."
    ),
]
Precision: TypeAlias = Literal["auto", "exact", "bf16", "int8"]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="A TOML file of settings.", show_default=False)]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="One setting, as training.epochs=3.", show_default=False),
]


def flags(options: dict[str, Any], assignments: list[str] | None) -> dict[str, Any]:
    """Join options, under their settings' names, with `--set NAME=VALUE`; the latter win.

    Raises:
        SettingsError: A `--set` is not NAME=VALUE.
    """
    wrong = [one for one in assignments or [] if "=" not in one]
    if wrong:
        raise SettingsError(
            *(_("--set {text}: expected NAME=VALUE, as training.epochs=3.").format(text=one) for one in wrong)
        )
    chosen = {name: value for name, value in options.items() if value is not None}
    for one in assignments or []:
        name, _sign, text = one.partition("=")
        chosen[name.strip()] = plain_value(text.strip())
    return chosen


def ask_licence(notice: str) -> bool:
    """Show a licence on the terminal and ask for consent."""
    typer.echo(notice)
    return typer.confirm(_("Do you agree?"), default=False)

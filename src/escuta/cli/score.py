"""`escuta score`: measure samples of a run, or any recordings, later."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escuta.cli.options import Set, flags
from escuta.errors import SettingsError
from escuta.messages import _

if TYPE_CHECKING:
    from escuta.run.folder import RunFolder
    from escuta.settings import ScoreSettings
    from escuta.terminal import Terminal


def score(  # noqa: PLR0913 - a command line, not a function that anybody calls
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of a run, or of recordings.", show_default=False)
    ] = None,
    texts: Annotated[
        Path | None, typer.Option(help="For recordings: what was to be said, name|text a line.", show_default=False)
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="For recordings: the voice they should have.", show_default=False)
    ] = None,
    language: Annotated[str, typer.Option("--language", "-l", help="For recordings: language of the texts.")] = "pt",
    again: Annotated[bool, typer.Option("--again", help="Score anew what is up to date.")] = False,
    get: Annotated[bool, typer.Option("--get", help="Fetch what the scores need, before.")] = False,
    set_: Set = None,
) -> None:
    """Score the samples of a run that are not scored yet, or any folder of recordings."""
    from escuta.run.folder import RunFolder
    from escuta.settings import load_settings
    from escuta.terminal import Terminal

    terminal = Terminal()
    run = RunFolder(folder or Path())
    is_run = folder is not None and run.exists()
    file = run.settings if is_run else None
    settings = load_settings(file, flags({}, set_)).scores
    if get:
        _get(settings.recogniser, terminal)
    if folder is None:
        if not get:
            raise SettingsError(_("escuta score: nothing to score; expected the folder of a run, or --get."))
        return
    if is_run and not texts:
        asked_rule = flags({}, set_).get("scores.rule")
        _score_run(run, settings, terminal, again=again, may_choose=settings.rule in (None, asked_rule))
        return
    if texts is None:
        raise SettingsError(
            _("{folder}: no run; expected one, or for a folder of recordings --texts FILE.").format(folder=folder)
        )
    _score_recordings(folder, texts, reference, language, settings, terminal)


def _score_recordings(
    folder: Path, texts: Path, reference: Path | None, language: str, settings: "ScoreSettings", terminal: "Terminal"
) -> None:
    """Score a folder of recordings."""
    from escuta.scoring.audio_folder import FILE_NAME, find_takes, score_folder
    from escuta.scoring.instruments import gather
    from escuta.scoring.scorekeeper import missing_lines
    from escuta.scoring.table import table

    takes = find_takes(folder, texts)
    instruments = gather(settings, language, _threads())
    sheet = score_folder(takes, language, instruments, terminal, reference=reference)
    sheet.write(folder / FILE_NAME)
    rows = [(entry.file, entry.scores) for entry in sheet.files]
    terminal.say(*missing_lines(sheet.missing), *table([*rows, (_("mean"), sheet.mean)]))
    terminal.say(_("Scores: {file}").format(file=folder / FILE_NAME))


def _score_run(
    run: "RunFolder", settings: "ScoreSettings", terminal: "Terminal", *, again: bool, may_choose: bool
) -> None:
    """Score a run's samples; then the best by score, and the page, are what they now are to be."""
    from escuta.report.page import write_report
    from escuta.scoring.later import score_later

    with run.in_use(shared=True):
        failed = score_later(run, settings, terminal, threads=_threads(), again=again)
        _choose(run, settings.rule, terminal, may=may_choose)
        write_report(run)
    if failed:
        raise typer.Exit(2)


def _choose(run: "RunFolder", rule: str | None, terminal: "Terminal", *, may: bool) -> None:
    """Let the best by score be what it now is; code that a run's own settings name is not run unasked."""
    from escuta.scoring.best import update
    from escuta.scoring.own_rule import find_rule

    if not may:
        terminal.say(
            _(
                "The best by score stays: this run has a rule of its own. Apply it with: --set scores.rule={rule}"
            ).format(rule=rule)
        )
    elif choice := update(run, find_rule(rule)):
        terminal.say(_("⭐ Best by score: {name} ({reason})").format(name=choice.best.name, reason=choice.reason))


def _get(recogniser: str, terminal: "Terminal") -> None:
    """Fetch all weights, each said with its size and licence."""
    from escuta.errors import InstallError
    from escuta.scoring.recogniser import fetch_recogniser
    from escuta.scoring.weights import NATURALNESS_JUDGE, VOICE_ENCODER, fetch, find

    for file in (VOICE_ENCODER, NATURALNESS_JUDGE):
        try:
            path = find(file)
        except InstallError:
            terminal.say(
                _("📥 Fetching {package} ({size:.0f} MB, licence {licence})...").format(
                    package=file.title, size=file.megabytes, licence=file.licence
                )
            )
            path = fetch(file)
        terminal.say(_("   ✅ {package}: {path}").format(package=file.title, path=path))
    terminal.say(_("📥 Fetching the recogniser {name} of Whisper (licence MIT)...").format(name=recogniser))
    terminal.say(_("   ✅ {package}: {path}").format(package=recogniser, path=fetch_recogniser(recogniser)))


def _threads() -> int:
    return os.cpu_count() or 1

"""Samples of a run scored after the fact."""

from escuta.errors import EscutaError
from escuta.messages import _
from escuta.run.folder import RunFolder
from escuta.scoring.scored import ENDING
from escuta.scoring.scorekeeper import missing_lines
from escuta.scoring.scorer import Scorer
from escuta.scoring.sheet import read_sheet
from escuta.scoring.table import table
from escuta.settings import ScoreSettings
from escuta.terminal import Terminal


def score_later(
    run: RunFolder, settings: ScoreSettings, terminal: Terminal, *, threads: int, again: bool = False
) -> list[str]:
    """Score what of a run's samples and held-out clips is not up to date, and show all; return the names of failures.

    Args:
        run: The run.
        settings: Which recogniser, and where it computes.
        terminal: Where people read.
        threads: CPU threads to use.
        again: Score what is up to date, too.

    Raises:
        OSError: The files cannot be written.
        RunError: There is no run, or its own files are damaged.
    """
    scorer = Scorer(run, settings, threads)
    names = scorer.names()
    terminal.say(*missing_lines(scorer.instruments.missing))
    failed = []
    with terminal.progress(_("Scoring"), len(names)) as advance:
        for name in names:
            try:
                if again or not scorer.is_scored(name):
                    scorer.score(name)
            except EscutaError as error:
                failed.append(name)
                terminal.say(*(f"⚠️  {problem}" for problem in error.problems))
            advance(name)
    sheets = [(name, read_sheet(run.samples / f"{name}{ENDING}")) for name in names]
    terminal.say(*table([(name, sheet["mean"]) for name, sheet in sheets if sheet]))
    return failed

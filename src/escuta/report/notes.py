"""What happened in a run, in plain words."""

import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from escuta.messages import _, _n
from escuta.report.history import History
from escuta.report.records import Facts
from escuta.scoring.catalogue import SCORES, title

MANIFEST = "metadata.csv"
"""As `data/manifest.py` begins what it says of a line."""

Kind: TypeAlias = Literal["problem", "warning", "info"]
Note: TypeAlias = tuple[Kind, str]


def notes(facts: Facts | None, history: History, missing: Mapping[str, str], num_data_problems: int) -> list[Note]:
    """All that is worth knowing of a run, what needs something done first.

    Args:
        facts: What ran, as far as is known.
        history: What happened.
        missing: Scores that could not be measured, and why.
        num_data_problems: How many `data_problems` there are.
    """
    data = _n(
        "{n} problem of the data is listed below.", "{n} problems of the data are listed below.", num_data_problems
    )
    told: list[Note] = [("warning", data.format(n=num_data_problems))] if num_data_problems else []
    return [*_problems(history), *_warnings(facts, history, missing), *told, *_infos(history)]


def data_problems(log: Path) -> list[str]:
    """What training said of lines of the manifest, each once; it is in the log alone."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return list(dict.fromkeys(line for line in lines if line.startswith(f"{MANIFEST} ")))


def is_running(history: History) -> bool:
    """Whether training goes on, as far as its events tell: a killed one has no end."""
    return bool(history.starts) and not history.starts[-1].ended


def facts_line(facts: Facts | None, history: History) -> list[str]:
    """A run in one line: model, language, data, version, device, when."""
    line = []
    if facts:
        clips = _n("{n} clip", "{n} clips", facts.dataset.clips).format(n=facts.dataset.clips)
        line += [
            facts.base.title,
            facts.language,
            _("{clips}, {minutes:.1f} min").format(clips=clips, minutes=facts.dataset.minutes),
            f"escuta {facts.escuta}",
        ]
    if history.starts:
        line += [history.starts[-1].device, _("started {moment}").format(moment=moment(history.starts[0].begun))]
    return line


def settings_rows(path: Path) -> list[tuple[str, str]]:
    """Every setting of the last start, by its dotted name; none where the file is missing or damaged."""
    try:
        return list(_flat("", tomllib.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError):
        return []


def moment(seconds: float) -> str:
    """A time since 1970 as a clock on the wall shows it."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", str(value).lower() if isinstance(value, bool) else str(value)


def _problems(history: History) -> Iterator[Note]:
    for file, reason in history.lost_checkpoints.items():
        yield "problem", _("{file} could not be written: {reason}").format(file=file, reason=reason)
    failed = {reason for status, reason in history.outcomes.values() if status == "failed"}
    number = sum(status == "failed" for status, _reason in history.outcomes.values())
    if number:
        words = _n("{n} sample failed: {reasons}", "{n} samples failed: {reasons}", number)
        yield "problem", words.format(n=number, reasons="; ".join(sorted(failed)))
    if history.skipped_steps:
        words = _n(
            "{n} step was not taken, as its loss or gradient was no number; the weights stayed as they were.",
            "{n} steps were not taken, as their loss or gradient was no number; the weights stayed as they were.",
            history.skipped_steps,
        )
        yield "problem", words.format(n=history.skipped_steps)


def _warnings(facts: Facts | None, history: History, missing: Mapping[str, str]) -> Iterator[Note]:
    if facts and facts.base.kind == "random":
        yield "warning", _("The base model is random and knows no language: what it says is noise.")
    for old, new, reason in history.fallbacks:
        words = _("Samples: mode {old} did not work ({reason}); {new} took over.")
        yield "warning", words.format(old=old, new=new, reason=reason)
    for name, reason in missing.items():
        known = title(name) if name in SCORES else name
        yield "warning", _("{score} is not measured: {reason}").format(score=known, reason=reason)


def _of_data(number: int) -> Iterator[Note]:
    if number:
        words = _n("{n} problem of the data is listed below.", "{n} problems of the data are listed below.", number)
        yield "warning", words.format(n=number)


def _infos(history: History) -> Iterator[Note]:
    yield "info", _state(history)
    seconds = sum(start.seconds for start in history.starts)
    if seconds:
        stall_seconds = sum(start.stall_seconds for start in history.starts)
        words = _("Checkpoints and samples held training up for {stall} of {total} ({share:.1%}).")
        yield (
            "info",
            words.format(stall=_duration(stall_seconds), total=_duration(seconds), share=stall_seconds / seconds),
        )


def _state(history: History) -> str:
    last = history.starts[-1] if history.starts else None
    match (last.ended, last.reason) if last else (None, None):
        case "finished", "patience":
            return _("Training ended, as val_loss no longer improved.")
        case "finished", "minutes":
            return _("Training ended, as its time was up; continue it with --resume.")
        case "finished", _reason:
            return _("Training is finished.")
        case "interrupted", _reason:
            return _("Training was interrupted; continue it with --resume.")
        case "", _reason:
            return _("Training was going on when this page was written; it is written again with every checkpoint.")
    return _("Training has not begun.")


def _duration(seconds: float) -> str:
    return _("{n:.1f} s").format(n=seconds) if seconds < 90 else _("{n:.1f} min").format(n=seconds / 60)

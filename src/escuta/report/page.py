"""report.html: all of a run to see and hear, on one page that needs neither server nor network."""

import math
import re
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from escuta.messages import _, _n
from escuta.report.history import Epoch, History, checkpoint_name, read_history
from escuta.report.plots import loss_plot
from escuta.report.records import Facts, Sample, read_facts, read_sample
from escuta.run.folder import RunFolder
from escuta.run.publish import publish_text

BASE = "epoch_0"
"""How the samples of the base model are named."""

NAME = re.compile(r"(epoch|step)_(\d+)")
"""How samples are named."""


@dataclass(frozen=True, slots=True)
class Row:
    """A checkpoint on the page."""

    title: str
    step: int | None
    epoch: Epoch | None
    """None within an epoch."""
    best: bool
    sample: Sample | None
    gap: str
    """Why there is nothing to hear."""


def write_report(run: RunFolder) -> None:
    """Write the page of `run` from what its files hold now; what is missing or damaged is a gap on the page.

    Raises:
        OSError: The page cannot be written.
    """
    history, facts = read_history(run.events), read_facts(run.facts)
    rows = _rows(run, history)
    samples = [row.sample for row in rows if row.sample]
    losses = sorted(history.epochs.items())
    text = _template().render(
        title=run.path.resolve().name,
        facts=_facts_line(facts, history),
        is_random=facts is not None and facts.base.kind == "random",
        fallbacks=history.fallbacks,
        plot=loss_plot(
            {number: epoch.train_loss for number, epoch in losses},
            {number: epoch.val_loss for number, epoch in losses},
            history.best_epoch,
        ),
        reference=next(filter(None, (_audio(run, sample.reference) for sample in samples)), None),
        reference_name=Path(facts.reference).name if facts else "",
        sentences=_sentences(facts, samples),
        rows=rows,
        audio=partial(_audio, run),
        state=_state(history),
        stall=_stall(history),
        command=f"escuta sample {shlex.quote(str(run.path))} --missing" if rows and _missing(run) else "",
        written=_moment(time.time()),
    )
    publish_text(run.report, text.encode(errors="replace").decode())  # names of folders need not be Unicode


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = _
    return environment.get_template("page.html")


def _rows(run: RunFolder, history: History) -> list[Row]:
    """Every checkpoint that is there, has spoken or was asked to; the base model first, then by steps taken."""
    recorded = {path.stem for path in run.samples.glob("*.json")}
    base = {BASE} & history.steps.keys()
    names = base | _speakable(run) | recorded | history.asked | history.outcomes.keys()
    rows = [_row(run, history, match) for match in map(NAME.fullmatch, names) if match]
    return sorted(rows, key=lambda row: (math.inf if row.step is None else row.step, row.title))


def _row(run: RunFolder, history: History, match: re.Match[str]) -> Row:
    name, number = match[0], int(match[2])
    sample = read_sample(run.samples / f"{name}.json")
    gap = "" if sample else _gap(run, history, name)
    if match[1] == "step":
        return Row(_("Step {n}").format(n=number), number, None, False, sample, gap)
    return Row(
        title=_("Base model") if name == BASE else _("Epoch {n}").format(n=number),
        step=0 if name == BASE else history.steps.get(name, sample.step if sample else None),
        epoch=history.epochs.get(number),
        best=number == history.best_epoch,
        sample=sample,
        gap=gap,
    )


def _gap(run: RunFolder, history: History, name: str) -> str:
    record = f"{name}.json"
    if (run.samples / record).exists():
        return _("{file} is damaged; remove it to have the sample made again.").format(file=record)
    match history.outcomes.get(name):
        case ("failed", reason):
            return _("Failed: {reason}").format(reason=reason)
        case ("skipped", reason):
            return _("Skipped: {reason}").format(reason=reason)
        case ("spoken", _reason):
            return _("{file} is missing.").format(file=record)
    return _("Not spoken yet.") if name in history.asked else _("Was not asked to speak.")


def _speakable(run: RunFolder) -> set[str]:
    return {name for path in run.checkpoints.glob("*.pt") if (name := checkpoint_name(path.name))}


def _missing(run: RunFolder) -> set[str]:
    """Names of the samples that `escuta sample --missing` makes."""
    return {name for name in _speakable(run) | {BASE} if not (run.samples / f"{name}.json").exists()}


def _audio(run: RunFolder, file: str) -> str | None:
    """Address of a file of samples/ as the page links it; None when it is not there."""
    there = Path(file).name == file and (run.samples / file).is_file()
    return quote(f"{run.samples.name}/{file}") if there else None


def _sentences(facts: Facts | None, samples: Sequence[Sample]) -> list[str]:
    """Every text once: those of the run, then others that were spoken."""
    asked = [sentence.text for sentence in facts.sentences] if facts else []
    return list(dict.fromkeys([*asked, *(said.text for sample in samples for said in sample.sentences)]))


def _facts_line(facts: Facts | None, history: History) -> list[str]:
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
        line += [history.starts[-1].device, _("started {moment}").format(moment=_moment(history.starts[0].begun))]
    return line


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


def _stall(history: History) -> str:
    stall_seconds = sum(start.stall_seconds for start in history.starts)
    seconds = sum(start.seconds for start in history.starts)
    if not seconds:
        return ""
    return _("Checkpoints and samples held training up for {stall} of {total} ({share:.1%}).").format(
        stall=_duration(stall_seconds), total=_duration(seconds), share=stall_seconds / seconds
    )


def _duration(seconds: float) -> str:
    return _("{n:.1f} s").format(n=seconds) if seconds < 90 else _("{n:.1f} min").format(n=seconds / 60)


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))

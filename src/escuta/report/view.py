"""What the page shows of a run, as plain data: the static page, the live server and the export feed it to one script.

`document` is what the script takes, `view` is one run of it. All is JSON, and short: a run of 1,000 epochs with 8
sentences stays below 3 MB. Lists that run beside each other have the same order.

    document: language   the page's, as HTML names it
              texts      every word of the page by its key (`texts.py`)
              runs       views
    view:     name       of the run's folder
              samples    what comes before a sample's file to make its address: "samples/", or the server's
              pictures   the same of a picture: "pictures/"
              facts      a line about the run, in parts
              running    whether training goes on, as far as is known
              notes      [kind, text]: what happened, in plain words; kind is "problem", "warning" or "info"
              data       problems of the data, a line each
              settings   [name, value]
              sentences  what every checkpoint says
              reference  {file, name, seconds, peaks, picture}, the voice that is cloned; null before the first sample
              scores     of those that were measured: {name, title, unit, better, by, ceiling, spread, noise, main}
                         `ceiling`: what the held-out real clips score; `spread`: standard deviation over seeds;
                         `noise`: by how much a checkpoint differs from the base by chance; null where not known;
                         `main`: whether it decides which checkpoint is best
              best       {val_loss, score, reason}: names of checkpoints, "" where there is none
              command    what makes the missing samples, "" where none is missing
              checkpoints, in the order of training:
                  name, title, epoch (null within one), step (null: not known), weights (8 letters of its fingerprint),
                  train_loss, val_loss (null where none)
                  gap        why there is nothing to hear; then `takes` is empty
                  picture    file of its spectrograms, one below the other, `takes` long; "" where none
                  means      a number or null for each of `scores`
                  verdicts   by score: "better" or "worse" than the base beyond the noise; else missing
                  takes      {sentence, file, seconds, cut, seed, peaks, scores, heard}, all of the first seed before
                             those of the next; `file` is "" where it is missing, `sentence` counts from 0, `peaks` is
                             as `peaks.py` says,
                             `scores` a number or null for each of the run's that are `main`, which come first,
                             `cut` is 1 where the limit cut it,
                             `heard` is what a recogniser heard, null where nobody asked one
"""

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escuta.messages import _
from escuta.report.history import BASE, History, checkpoint_name, read_history
from escuta.report.measures import Measures, read_measures
from escuta.report.notes import data_problems, facts_line, is_running, notes, settings_rows
from escuta.report.peaks import Picture, picture_of
from escuta.report.records import Facts, Said, Sample, read_facts, read_sample
from escuta.report.texts import language, texts
from escuta.run.folder import RunFolder

NAME = re.compile(r"(epoch|step)_(\d+)")
"""How samples are named."""


@dataclass(frozen=True, slots=True)
class _Known:
    """All that was read of a run."""

    run: RunFolder
    history: History
    facts: Facts | None
    samples: Mapping[str, Sample]
    sentences: Mapping[str, int]
    """Texts and their numbers."""
    measures: Measures


def document(runs: Sequence[RunFolder]) -> dict[str, Any]:
    """All that the page shows of `runs`; what is missing or damaged is a gap on the page."""
    return {"language": language(), "texts": texts(), "runs": [view(run) for run in runs]}


def view(run: RunFolder) -> dict[str, Any]:
    """What the page shows of one run; see the top of this file. Pictures that are missing are made."""
    history, facts = read_history(run.events), read_facts(run.facts)
    names = _names(run, history)
    samples = {name: sample for name in names if (sample := read_sample(run.samples / f"{name}.json"))}
    sentences = _sentences(facts, samples.values())
    val_losses = {f"epoch_{number}": epoch.val_loss for number, epoch in history.epochs.items()}
    measures = read_measures(run.samples, samples, val_losses)
    known = _Known(run, history, facts, samples, sentences, measures)
    best_epoch, data = history.best_epoch, data_problems(run.log)
    return {
        "name": run.path.resolve().name,
        "samples": "samples/",
        "pictures": "pictures/",
        "facts": facts_line(facts, history),
        "running": is_running(history),
        "notes": notes(facts, history, measures.missing, len(data)),
        "data": data,
        "settings": settings_rows(run.settings),
        "sentences": list(sentences),
        "reference": _reference(known),
        "scores": measures.rows(),
        "best": {
            "val_loss": "" if best_epoch is None else f"epoch_{best_epoch}",
            "score": history.best_by_score[0],
            "reason": history.best_by_score[1],
        },
        "command": _command(run, names),
        "checkpoints": [_checkpoint(known, name) for name in sorted(names, key=lambda name: _place(known, name))],
    }


def _names(run: RunFolder, history: History) -> set[str]:
    """Every checkpoint that is there, has spoken or was asked to."""
    recorded = {path.stem for path in run.samples.glob("*.json")}
    base = {BASE} & history.steps.keys()
    names = base | _speakable(run) | recorded | history.asked | history.outcomes.keys()
    return {name for name in names if NAME.fullmatch(name)}


def _place(known: _Known, name: str) -> tuple[float, str]:
    """The base model first, then by steps taken; what is not known comes last."""
    step = _step(known, name)
    return (math.inf if step is None else step, name)


def _step(known: _Known, name: str) -> int | None:
    kind, _underscore, number = name.partition("_")
    if kind == "step":
        return int(number)
    sample = known.samples.get(name)
    return 0 if name == BASE else known.history.steps.get(name, sample.step if sample else None)


def _checkpoint(known: _Known, name: str) -> dict[str, Any]:
    kind, _underscore, number = name.partition("_")
    is_epoch = kind == "epoch"
    losses = known.history.epochs.get(int(number)) if is_epoch else None
    sample = known.samples.get(name)
    picture = _picture(known.run, name, [said.file for said in sample.sentences]) if sample else Picture()
    title = _("Epoch {n}") if is_epoch else _("Step {n}")
    return {
        "name": name,
        "title": _("Base model") if name == BASE else title.format(n=int(number)),
        "epoch": int(number) if is_epoch else None,
        "step": _step(known, name),
        "weights": sample.weights[:8] if sample else "",
        "train_loss": losses.train_loss if losses else None,
        "val_loss": losses.val_loss if losses else None,
        "gap": "" if sample else _gap(known, name),
        "picture": picture.file,
        "means": known.measures.means(name),
        "verdicts": known.measures.verdicts(name),
        "takes": [_take(known, name, said, picture) for said in sample.sentences] if sample else [],
    }


def _take(known: _Known, name: str, said: Said, picture: Picture) -> dict[str, Any]:
    measured = known.measures.of(name, said.file)
    drawn = picture.peaks.get(said.file)
    return {
        "sentence": known.sentences[said.text],
        "file": said.file if drawn is not None or _is_there(known.run, said.file) else "",
        "seconds": round(said.audio_seconds, 2),
        "cut": int(said.stop == "limit"),
        "seed": said.seed,
        "peaks": drawn or "",
        "scores": measured.scores,
        "heard": measured.heard,
    }


def _reference(known: _Known) -> dict[str, Any] | None:
    for name in sorted(known.samples, key=lambda name: _place(known, name)):
        file = known.samples[name].reference
        if not _is_there(known.run, file):
            continue
        picture = _picture(known.run, Path(file).stem, [file])
        return {
            "file": file,
            "name": Path(known.facts.reference).name if known.facts else "",
            "seconds": picture.seconds,
            "peaks": picture.peaks.get(file, ""),
            "picture": picture.file,
        }
    return None


def _picture(run: RunFolder, name: str, files: Sequence[str]) -> Picture:
    return picture_of([run.samples / file for file in files if _is_there(run, file)], run.pictures / name)


def _is_there(run: RunFolder, file: str) -> bool:
    """Whether `file` is the plain name of a file in samples/."""
    return Path(file).name == file and (run.samples / file).is_file()


def _gap(known: _Known, name: str) -> str:
    record = f"{name}.json"
    if (known.run.samples / record).exists():
        return _("{file} is damaged; remove it to have the sample made again.").format(file=record)
    match known.history.outcomes.get(name):
        case ("failed", reason):
            return _("Failed: {reason}").format(reason=reason)
        case ("skipped", reason):
            return _("Skipped: {reason}").format(reason=reason)
        case ("spoken", _reason):
            return _("{file} is missing.").format(file=record)
    return _("Not spoken yet.") if name in known.history.asked else _("Was not asked to speak.")


def _sentences(facts: Facts | None, samples: Any) -> dict[str, int]:
    """Number every text: those of the run, then others that were spoken."""
    asked = [sentence.text for sentence in facts.sentences] if facts else []
    spoken = (said.text for sample in samples for said in sample.sentences)
    return {text: number for number, text in enumerate(dict.fromkeys([*asked, *spoken]))}


def _speakable(run: RunFolder) -> set[str]:
    return {name for path in run.checkpoints.glob("*.pt") if (name := checkpoint_name(path.name))}


def _command(run: RunFolder, names: set[str]) -> str:
    missing = [name for name in _speakable(run) | {BASE} if not (run.samples / f"{name}.json").exists()]
    return f"escuta sample {shlex.quote(str(run.path))} --missing" if names and missing else ""

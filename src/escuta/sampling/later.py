"""Checkpoints of a run spoken after the fact, by one process or by several that share them."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Literal, TypeAlias

from escuta.messages import _, _n
from escuta.run.checkpoints import find_checkpoint, list_checkpoints, read_checkpoint
from escuta.run.folder import RunFolder
from escuta.sampling.claims import Claim, Claims
from escuta.sampling.freshness import read_sample
from escuta.sampling.job import SampleJob
from escuta.sampling.narration import describe, shortened
from escuta.sampling.rank import Rank
from escuta.sampling.recital import BASE, Recital, Wish
from escuta.terminal import Terminal

Outcome: TypeAlias = Literal["spoken", "failed"]
"""What processes tell each other of a sample."""


def choose_checkpoints(
    run: RunFolder, *, every: bool, missing: bool, names: Sequence[str], samples: Path | None = None
) -> list[tuple[str, Path | None]]:
    """Choose what to speak: names of samples with their checkpoints, None for the base model.

    Args:
        run: The run.
        every: All that there are, and the base model.
        missing: Of these, those that have no sample yet.
        names: Some more: files, or names in the run's checkpoints/.
        samples: Where samples are looked for; in the run's samples/ when not given.

    Raises:
        CheckpointError: One of `names` is not there.
    """
    chosen: dict[str, Path | None] = {}
    if every or missing:
        chosen[BASE] = None
        chosen |= {sample_name(path): path for path in list_checkpoints(run)}
    if missing:
        there = samples or run.samples
        chosen = {name: path for name, path in chosen.items() if not (there / f"{name}.json").exists()}
    for name in names:
        path = find_checkpoint(run, name)
        chosen[sample_name(path)] = path
    return list(chosen.items())


def sample_name(checkpoint: Path) -> str:
    """How a checkpoint's samples are named: `epoch_3` of checkpoint_epoch_3.pt; else what the checkpoint says it is."""
    if match := re.fullmatch(r"checkpoint_((?:epoch|step)_\d+)\.pt", checkpoint.name):
        return match[1]
    progress = read_checkpoint(checkpoint).progress
    return f"step_{progress.step}" if progress.micro_steps_in_epoch else f"epoch_{progress.epoch}"


def speak_later(
    run: RunFolder, chosen: Sequence[tuple[str, Path | None]], wish: Wish, terminal: Terminal, rank: Rank
) -> list[str]:
    """Speak what of `chosen` is not up to date, alone or with other processes; return the names of what failed.

    Each sample is made once, by the process that comes to it first. This one returns when all are made or have failed,
    whoever was at it; what a killed process had begun is made by another.

    Raises:
        DataError: The sentences wished for cannot be read or spoken.
        ModelError: The base model of the run is gone or damaged.
        OSError: The samples cannot be written.
        RunError: The run's own files are damaged.
        SettingsError: The samples would take the place of others.
    """
    began = time.perf_counter()
    recital = Recital(run, wish)
    jobs = [recital.job(name, checkpoint) for name, checkpoint in chosen]
    due = [job for job in jobs if not recital.is_up_to_date(job, reading=False)]
    show = terminal.say if rank.is_first else _silently
    show(*_overview(recital, due, len(jobs), rank))
    if not jobs:
        return []
    claims = Claims(jobs[0].folder)
    failed = []
    with terminal.progress(_("Samples"), len(due)) if rank.is_first else nullcontext(_silently) as advance:
        for job, claim in _taken(due, claims):
            outcome = claim.outcome or _make(recital, job, terminal)
            claim.note(outcome)
            if outcome == "failed":
                failed.append(job.name)
            advance(job.name)
    claims.tidy(job.name for job in jobs)
    show(*_total(due, failed, time.perf_counter() - began))
    return failed


def _taken(jobs: Sequence[SampleJob], claims: Claims) -> Iterator[tuple[SampleJob, Claim]]:
    """Every job once, those that another process is at when that one is done with them."""
    left = list(jobs)
    for wait in (False, True):
        for job in list(left):
            with claims.take(job.name, wait=wait) as claim:
                if claim:
                    left.remove(job)
                    yield job, claim


def _make(recital: Recital, job: SampleJob, terminal: Terminal) -> Outcome:
    """Have a sample spoken unless it is there already; say what came of it."""
    if recital.is_up_to_date(job, reading=True):
        terminal.say(_("✅ {name}: up to date").format(name=job.name))
        return "spoken"
    result = recital.speak(job)
    if result.status == "failed":
        terminal.say(*describe(result, job.folder))
        return "failed"
    best = " ⭐" if result.best else ""
    terminal.say(f"✅ {job.name}: {_pace(result.audio_seconds, result.seconds)}{best}")
    return "spoken"


def _overview(recital: Recital, due: Sequence[SampleJob], total: int, rank: Rank) -> list[str]:
    """Lines that say what is about to be spoken, and how."""
    if not total:
        return [_("Nothing to speak: every checkpoint has its sample.")]
    if not due:
        return [_("Nothing to speak: every sample is up to date. Have them made anew with --again.")]
    speaker = _("after training, {device}").format(device=recital.device.upper())
    if rank.of > 1:
        speaker += ", " + _("{n} processes").format(n=rank.of)
    lines = [_("🎤 Generating audio samples ({speaker}): {n}").format(speaker=speaker, n=len(due))]
    if len(due) < total:
        lines.append(_("   Up to date: {n}").format(n=total - len(due)))
    text = _("   📝 Text from metadata: '{text}'") if recital.from_dataset else _("   📝 Text: '{text}'")
    return [
        *lines,
        text.format(text=shortened(due[0].sentences[0])),
        _("   Reference: {file}").format(file=due[0].reference.name),
    ]


def _total(due: Sequence[SampleJob], failed: Sequence[str], seconds: float) -> list[str]:
    """Lines that say what was made, by all processes together."""
    made = [sample for job in due if job.name not in failed and (sample := read_sample(job))]
    audio_seconds = sum(sample.audio_seconds for sample in made)
    lines = []
    if made:
        counted = _n("{n} sample: {pace}", "{n} samples: {pace}", len(made))
        lines.append(counted.format(n=len(made), pace=_pace(audio_seconds, seconds)))
    if failed:
        lines.append(_("❌ Not spoken: {names}").format(names=", ".join(failed)))
    return lines


def _pace(audio_seconds: float, seconds: float) -> str:
    factor = seconds / audio_seconds if audio_seconds else 0.0
    return _("{audio_seconds:.1f} s of audio in {seconds:.1f} s, real-time factor {factor:.2f}").format(
        audio_seconds=audio_seconds, seconds=seconds, factor=factor
    )


def _silently(*_lines: str) -> None:
    """Another process says it."""

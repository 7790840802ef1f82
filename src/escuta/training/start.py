"""A training, from what somebody asked for to how it ended."""

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from escuta import __version__
from escuta.data.features import ClipFeatures
from escuta.errors import RunError, WeightsError
from escuta.messages import _
from escuta.models.base import VoiceModel
from escuta.models.load import load_model
from escuta.run.checkpoints import Progress, read_checkpoint, restore_best
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from escuta.run.held_out import MAX_CLIPS, write_held_out
from escuta.run.publish import publish_text
from escuta.sampling.listener import Listener
from escuta.sampling.memory import available_bytes
from escuta.sampling.sampler import Sampler
from escuta.sampling.speakers import make_speakers, speaking_threads
from escuta.scoring.best import BestByScore
from escuta.scoring.scorekeeper import Scorekeeper
from escuta.settings import Mode, settings_toml
from escuta.terminal import Terminal
from escuta.training.assignment import Assignment
from escuta.training.interrupt import interruptible
from escuta.training.judge import Judge
from escuta.training.keeper import Keeper, NoKeeper
from escuta.training.learner import Learner, uses_for
from escuta.training.loop import Outcome, Training
from escuta.training.needs import disk_problems, memory_told, needs
from escuta.training.plan import aligned, plan, plan_rows
from escuta.training.preparation import prepare_features
from escuta.training.ranks import Ranks, join_ranks
from escuta.training.request import Request, assign
from escuta.training.trackers import Trackers, choose_trackers
from escuta.training.writing import CheckpointWriter

MAX_UNSCORED = 4
"""Checkpoints kept until they are scored; beyond that the later ones may go, so that disk use stays bounded."""

GRADIENTS_AND_MOMENTS = 3
"""What learning adds to the weights, in times their size: AdamW has two moments."""


def start(request: Request, terminal: Terminal, on_news: Callable[[RunFolder], None]) -> Outcome:
    """Train as requested, to the last epoch or until Ctrl-C.

    Args:
        request: What is asked for.
        terminal: Where people read.
        on_news: Called when the run has something new to show.

    Raises:
        EscutaError: Anything that the user can mend.
        OSError: The run cannot be written.
    """
    ranks = join_ranks(request.settings.training.device)
    if not ranks.is_first:
        request = replace(request, ask_licence=None)
        terminal.hush()
    try:
        with ranks.naming(), memory_told(request.settings.training):
            return _train(request, terminal, on_news, ranks)
    finally:
        ranks.leave()


def _train(request: Request, terminal: Terminal, on_news: Callable[[RunFolder], None], ranks: Ranks) -> Outcome:
    assignment = ranks.first_first(lambda: assign(request, terminal, ranks.of))
    with ExitStack() as until_the_end:
        ranks.first_first(lambda: _occupy(assignment, request, terminal, until_the_end) if ranks.is_first else None)
        interruption = until_the_end.enter_context(interruptible())
        started = time.perf_counter()
        features = ranks.first_first(lambda: prepare_features(assignment, terminal, stopped=lambda: interruption.asked))
        if ranks.most(interruption.asked):
            return Outcome("asked", assignment.resumed or Progress(), time.perf_counter() - started, 0.0, 0.0)
        training = ranks.together(lambda: _set_up(assignment, features, terminal, on_news, ranks))
        try:
            return training.run(assignment.resumed or Progress(), interruption)
        finally:
            training.listener.close()
            training.keeper.close()
            training.trackers.close()


def _occupy(assignment: Assignment, request: Request, terminal: Terminal, until_the_end: ExitStack) -> None:
    """Take the run's folder for this training, and begin.

    Raises:
        RunError: It is in use, or has no room for what is to come.
    """
    run = assignment.run
    if problems := disk_problems(assignment, needs(assignment, plan(assignment), missing_seconds=0.0)):
        raise RunError(*problems)
    if request.fresh and run.exists():
        terminal.say(_("The earlier run is now in {folder}.").format(folder=run.set_aside()))
    until_the_end.enter_context(run.in_use())
    _begin(assignment, request.dataset, terminal)


def _begin(assignment: Assignment, dataset_folder: Path, terminal: Terminal) -> None:
    """Lay out the run's folder and write down what is going to run."""
    run, dataset, audition, base = assignment.run, assignment.dataset, assignment.audition, assignment.base
    fingerprint = assignment.inventory.fingerprint
    has_other_clips = assignment.resumed and run.read_facts().get("dataset", {}).get("fingerprint") != fingerprint
    facts: dict[str, Any] = {
        "escuta": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "language": assignment.language,
        "base": {
            "title": base.title,
            "kind": base.kind,
            "folder": str(base.folder.resolve()),
            "fingerprint": assignment.base_fingerprint,
        },
        "dataset": {
            "folder": str(dataset_folder.resolve()),
            "clips": len(dataset.train),
            "held_out": [clip.name for clip in dataset.held_out],
            "minutes": round(sum(clip.seconds for clip in dataset.train) / 60, 2),
            "fingerprint": fingerprint,
        },
        "sentences": [{"text": one.text, "source": one.source} for one in audition.sentences],
        "reference": str(audition.reference.resolve()),
        "reference_text": audition.reference_text,
    }
    run.write_facts(facts)  # first: what makes a folder a run, whenever this ends
    for folder in (run.checkpoints, run.samples):
        folder.mkdir(parents=True, exist_ok=True)
    terminal.keep(run.log)
    publish_text(run.settings, settings_toml(assignment.settings))
    publish_text(run.clips, assignment.inventory.to_json())
    if has_other_clips:
        terminal.say(_("⚠️  The dataset is not the one this run began with; training goes on with it as it is now."))
    terminal.say(
        _("Run folder: {run}").format(run=run.path),
        *aligned(plan_rows(assignment, plan(assignment))),
    )


def _set_up(
    assignment: Assignment,
    features: ClipFeatures,
    terminal: Terminal,
    on_news: Callable[[RunFolder], None],
    ranks: Ranks,
) -> Training:
    settings, run = assignment.settings, assignment.run
    num_train = len(assignment.dataset.train)
    mode = settings.sampling.mode
    uses = uses_for(settings.training)
    model = load_model(assignment.base.folder, uses=[*uses, "speaking"] if mode == "inline" else uses)
    _refuse_nonsense(model.trained_tensors(), str(assignment.base.folder))
    resumed_from = assignment.resumed_from
    learner = Learner(
        model, settings.training, settings.seed, read_checkpoint(resumed_from) if resumed_from else None, ranks
    )
    terminal.say(*(f"⚠️  {warning}" for warning in learner.warnings))
    if assignment.resumed:
        _refuse_nonsense(model.trained_tensors(), str(run.checkpoints))
    if not ranks.is_first:
        return _silent(assignment, model, learner, features, terminal, ranks)
    write_held_out(run.held_out, features[num_train : num_train + MAX_CLIPS])
    if assignment.resumed:
        restore_best(run, assignment.resumed.best_epoch)
    weight_bytes = sum(tensor.nbytes for tensor in model.trained_tensors().values())
    checkpoint_bytes = needs(assignment, plan(assignment), missing_seconds=0.0).checkpoints_bytes
    device = learner.device.type
    still_to_come = GRADIENTS_AND_MOMENTS * weight_bytes if device == "cpu" else 0
    writer = CheckpointWriter(
        weight_bytes, checkpoint_bytes - weight_bytes, available_bytes() - still_to_come, pinned=device == "cuda"
    )
    learner.before_update = writer.hold_back
    trackers = Trackers(choose_trackers(settings.training.trackers, terminal.say), run, settings, terminal.say)
    best = BestByScore(run, assignment.rule, settings.training.keep_top)
    judge = Judge(best, terminal)
    if assignment.resumed:
        judge.recall()

    def hear(event: Mapping[str, Any]) -> None:
        trackers.note(event)
        judge.hear(event)

    events = EventLog(run.events, hear)

    def tell_fallback(old: Mode, new: Mode, reason: str) -> None:
        events.write("fallback", {"from": old, "to": new, "reason": reason})
        terminal.say(
            _("⚠️  Samples: mode {old} does not work here ({reason}); going on with {new}.").format(
                old=old, new=new, reason=reason
            )
        )

    @contextmanager
    def room_on_gpu() -> Iterator[None]:
        if device == "cpu":
            yield
            return
        terminal.say(_("🧹 Freeing VRAM to generate samples..."))
        writer.settle()
        with learner.off_device():
            terminal.say(_("   ✅ Training model moved to CPU"))
            yield
            terminal.say(_("📥 Reloading training model..."))
        terminal.say(_("   ✅ Training model restored on GPU"))

    def show_news() -> None:
        """Show what is new; a page that cannot be written is no reason to stop learning."""
        try:
            on_news(run)
        except OSError as error:
            terminal.say(_("⚠️  The report could not be written: {reason}").format(reason=error))

    base = assignment.base.folder
    speakers = make_speakers(settings.sampling, base, model, room_on_gpu, writer.inherited, learner.averaged)
    listener = Listener(
        Sampler(mode, speakers, tell_fallback),
        run.samples,
        from_dataset=settings.sampling.sentences is None,
        events=events,
        terminal=terminal,
        on_news=show_news,
    )
    if settings.scores.enabled and mode != "off":
        listener.scorekeeper = Scorekeeper(run, events, terminal, threads=speaking_threads(settings.sampling))
        listener.scorekeeper.recall()

    def needed() -> set[Path]:
        """Checkpoints that have to be spoken, that may yet be the best by score, and that are."""
        unscored = listener.scorekeeper.waiting()[:MAX_UNSCORED] if listener.scorekeeper else []
        return {*listener.checkpoints_needed(), *map(run.checkpoint, unscored), *judge.checkpoints_needed()}

    keeper = Keeper(
        run,
        writer,
        keep_last=settings.training.keep_last,
        needed=needed,
        events=events,
        terminal=terminal,
    )
    return Training(
        assignment=assignment,
        model=model,
        learner=learner,
        clips=features[:num_train],
        held_out=features[num_train:],
        listener=listener,
        keeper=keeper,
        judge=judge,
        trackers=trackers,
        events=events,
        terminal=terminal,
        on_news=show_news,
        ranks=ranks,
    )


def _silent(
    assignment: Assignment,
    model: VoiceModel,
    learner: Learner,
    features: ClipFeatures,
    terminal: Terminal,
    ranks: Ranks,
) -> Training:
    """The same training for a process beside the first: it leaves nothing anywhere, and nobody hears it."""
    num_train = len(assignment.dataset.train)
    events = EventLog(Path(os.devnull))
    return Training(
        assignment=assignment,
        model=model,
        learner=learner,
        clips=features[:num_train],
        held_out=features[num_train:],
        listener=Listener(
            Sampler("off", {}, lambda *_change: None),
            assignment.run.samples,
            from_dataset=True,
            events=events,
            terminal=terminal,
            on_news=_no_news,
        ),
        keeper=NoKeeper(),
        judge=Judge(BestByScore(assignment.run), terminal),
        trackers=Trackers({}, assignment.run, assignment.settings, terminal.say),
        events=events,
        terminal=terminal,
        on_news=_no_news,
        ranks=ranks,
    )


def _refuse_nonsense(tensors: Mapping[str, Tensor], where: str) -> None:
    """Learn from numbers alone.

    Raises:
        WeightsError: Tensors hold NaN or infinity; all are named.
    """
    wrong = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if wrong:
        raise WeightsError(
            *(
                _("{where}: tensor {name} holds NaN or infinity; expected numbers. Choose another.").format(
                    where=where, name=name
                )
                for name in wrong
            )
        )


def _no_news() -> None: ...

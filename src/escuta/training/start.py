"""A training, from what somebody asked for to how it ended."""

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from escuta import __version__
from escuta.data.features import ClipFeatures
from escuta.messages import _
from escuta.models.load import Use, load_model
from escuta.run.checkpoints import Progress
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from escuta.run.held_out import MAX_CLIPS, write_held_out
from escuta.run.publish import publish_text
from escuta.sampling.listener import Listener
from escuta.sampling.memory import available_bytes
from escuta.sampling.sampler import Sampler
from escuta.sampling.speakers import make_speakers
from escuta.settings import Mode, settings_toml
from escuta.terminal import Terminal
from escuta.training.assignment import Assignment
from escuta.training.interrupt import interruptible
from escuta.training.keeper import Keeper
from escuta.training.learner import Learner
from escuta.training.loop import Outcome, Training
from escuta.training.preparation import epoch_line, prepare_features
from escuta.training.request import Request, assign
from escuta.training.writing import CheckpointWriter

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
    assignment = assign(request, terminal)
    run = assignment.run
    if request.fresh and run.exists():
        terminal.say(_("The earlier run is now in {folder}.").format(folder=run.set_aside()))
    with run.in_use():
        _begin(assignment, terminal)
        with interruptible() as interruption:
            started = time.perf_counter()
            progress = assignment.resumed.progress if assignment.resumed else Progress()
            features = prepare_features(assignment, terminal, stopped=lambda: interruption.asked)
            if interruption.asked:
                return Outcome("interrupted", progress, time.perf_counter() - started, 0.0, 0.0)
            training = _set_up(assignment, features, terminal, on_news)
            try:
                return training.run(progress, interruption)
            finally:
                training.listener.close()
                training.keeper.close()


def _begin(assignment: Assignment, terminal: Terminal) -> None:
    """Lay out the run's folder and write down what is going to run."""
    run, dataset, audition, base = assignment.run, assignment.dataset, assignment.audition, assignment.base
    for folder in (run.checkpoints, run.samples):
        folder.mkdir(parents=True, exist_ok=True)
    terminal.keep(run.log)
    fingerprint = assignment.inventory.fingerprint
    if assignment.resumed and run.read_facts().get("dataset", {}).get("fingerprint") != fingerprint:
        terminal.say(_("⚠️  The dataset is not the one this run began with; training goes on with it as it is now."))
    publish_text(run.settings, settings_toml(assignment.settings))
    publish_text(run.clips, assignment.inventory.to_json())
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
            "clips": len(dataset.train),
            "held_out": [clip.name for clip in dataset.held_out],
            "minutes": round(sum(clip.seconds for clip in dataset.train) / 60, 2),
            "fingerprint": fingerprint,
        },
        "sentences": [{"text": one.text, "source": one.source} for one in audition.sentences],
        "reference": str(audition.reference.resolve()),
    }
    run.write_facts(facts)
    terminal.say(
        _("Training on {n} clips ({minutes:.1f} min), {held_out} held out; run folder: {run}").format(
            n=len(dataset.train), minutes=facts["dataset"]["minutes"], held_out=len(dataset.held_out), run=run.path
        ),
        epoch_line(assignment),
    )


def _set_up(
    assignment: Assignment, features: ClipFeatures, terminal: Terminal, on_news: Callable[[RunFolder], None]
) -> Training:
    settings, run = assignment.settings, assignment.run
    num_train = len(assignment.dataset.train)
    write_held_out(run.held_out, features[num_train : num_train + MAX_CLIPS])
    mode = settings.sampling.mode
    uses: list[Use] = ["training", "speaking"] if mode == "inline" else ["training"]
    model = load_model(assignment.base.folder, uses=uses)
    learner = Learner(model, settings.training, settings.seed, assignment.resumed)
    weight_bytes = sum(tensor.nbytes for tensor in model.trained_tensors().values())
    still_to_come = GRADIENTS_AND_MOMENTS * weight_bytes if learner.device.type == "cpu" else 0
    writer = CheckpointWriter(weight_bytes, available_bytes() - still_to_come)
    learner.before_update = writer.hold_back
    events = EventLog(run.events)

    def tell_fallback(old: Mode, new: Mode, reason: str) -> None:
        events.write("fallback", {"from": old, "to": new, "reason": reason})
        terminal.say(
            _("⚠️  Samples: mode {old} does not work here ({reason}); going on with {new}.").format(
                old=old, new=new, reason=reason
            )
        )

    @contextmanager
    def room_on_gpu() -> Iterator[None]:
        if learner.device.type == "cpu":
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

    speakers = make_speakers(settings.sampling, assignment.base.folder, model, room_on_gpu, writer.inherited)
    listener = Listener(
        Sampler(mode, speakers, tell_fallback),
        run.samples,
        from_dataset=settings.sampling.sentences is None,
        events=events,
        terminal=terminal,
        on_news=show_news,
    )
    keeper = Keeper(
        run,
        writer,
        keep_last=settings.training.keep_last,
        needed=listener.checkpoints_needed,
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
        events=events,
        terminal=terminal,
        on_news=show_news,
    )

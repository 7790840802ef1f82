"""A training, from what somebody asked for to how it ended."""

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from escuta import __version__
from escuta.audio.files import read_audio
from escuta.messages import _
from escuta.models.base import Features
from escuta.models.load import Use, load_model
from escuta.run.checkpoints import Progress
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from escuta.run.publish import publish_text
from escuta.sampling.listener import Listener
from escuta.sampling.sampler import Sampler
from escuta.sampling.speakers import make_speakers
from escuta.settings import Mode, settings_toml
from escuta.terminal import Terminal
from escuta.training.assignment import Assignment
from escuta.training.interrupt import interruptible
from escuta.training.keeper import Keeper
from escuta.training.learner import Learner
from escuta.training.loop import Outcome, Training
from escuta.training.request import Request, assign


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
            training = _set_up(assignment, terminal, on_news)
            progress = assignment.resumed.progress if assignment.resumed else Progress()
            try:
                return training.run(progress, interruption)
            finally:
                training.listener.close()


def _begin(assignment: Assignment, terminal: Terminal) -> None:
    """Lay out the run's folder and write down what is going to run."""
    run, dataset, audition, base = assignment.run, assignment.dataset, assignment.audition, assignment.base
    for folder in (run.checkpoints, run.samples):
        folder.mkdir(parents=True, exist_ok=True)
    terminal.keep(run.log)
    fingerprint = dataset.fingerprint()
    if assignment.resumed and run.read_facts().get("dataset", {}).get("fingerprint") != fingerprint:
        terminal.say(_("⚠️  The dataset is not the one this run began with; training goes on with it as it is now."))
    publish_text(run.settings, settings_toml(assignment.settings))
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
        )
    )


def _features(assignment: Assignment, terminal: Terminal) -> Sequence[Features]:
    """Compute the features of all clips, training clips first."""
    model = load_model(assignment.base.folder, uses=["features"])
    clips = (*assignment.dataset.train, *assignment.dataset.held_out)
    features = []
    with terminal.progress(_("Features"), len(clips)) as advance:
        for clip in clips:
            wav_T = torch.from_numpy(read_audio(clip.audio, model.input_sample_rate))
            features.append(model.features(wav_T, clip.text, assignment.language))
            advance("")
    return features


def _set_up(assignment: Assignment, terminal: Terminal, on_news: Callable[[RunFolder], None]) -> Training:
    settings, run = assignment.settings, assignment.run
    features = _features(assignment, terminal)
    num_train = len(assignment.dataset.train)
    mode = settings.sampling.mode
    uses: list[Use] = ["training", "speaking"] if mode == "inline" else ["training"]
    model = load_model(assignment.base.folder, uses=uses)
    learner = Learner(model, settings.training, settings.seed, assignment.resumed)
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

    speakers = make_speakers(settings.sampling, assignment.base.folder, model, room=room_on_gpu)
    listener = Listener(
        Sampler(mode, speakers, tell_fallback),
        run.samples,
        from_dataset=settings.sampling.sentences is None,
        events=events,
        terminal=terminal,
        on_news=show_news,
    )
    return Training(
        assignment=assignment,
        model=model,
        learner=learner,
        clips=features[:num_train],
        held_out=features[num_train:],
        listener=listener,
        keeper=Keeper(run, keep_last=settings.training.keep_last, events=events, terminal=terminal),
        events=events,
        terminal=terminal,
        on_news=show_news,
    )

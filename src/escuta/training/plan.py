"""What a training is going to do, told before it does it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from escuta.data.batches import Batches, epoch_batches, padding_share
from escuta.messages import _, _n
from escuta.settings import TrainingSettings
from escuta.training.advice import steps_an_epoch
from escuta.training.assignment import Assignment
from escuta.training.due import due_after_epoch
from escuta.training.precision import arithmetic_on


@dataclass(frozen=True, slots=True)
class Plan:
    """A training in numbers."""

    clip_seconds: tuple[float, ...]
    """Of the clips learned from."""
    batches: Batches
    """Of one epoch; the others have as many."""
    steps: int
    """Optimizer steps an epoch."""
    epochs_left: int
    saved: int
    """Checkpoints still to be written at the ends of epochs and within; one more whenever val_loss improves."""
    spoken: int
    """How often somebody speaks, the base model among them; once more whenever val_loss improves."""

    @property
    def padded_seconds(self) -> float:
        """What an epoch computes, padding and all."""
        return sum(padded_seconds(batch, self.clip_seconds) for batch in self.batches)

    @property
    def longest(self) -> list[int]:
        """The clips of the batch that takes most memory."""
        return max(self.batches, key=lambda batch: padded_seconds(batch, self.clip_seconds))


def plan(assignment: Assignment) -> Plan:
    """Count what `assignment` comes to."""
    settings = assignment.settings
    training, sampling = settings.training, settings.sampling
    clip_seconds = tuple(clip.seconds for clip in assignment.dataset.train)
    steps = steps_an_epoch(clip_seconds, training, settings.seed, assignment.processes)
    done = assignment.resumed.epoch if assignment.resumed else 0
    left = range(done + 1, training.epochs + 1)
    due = [due_after_epoch(epoch, improved=False, training=training, sampling=sampling) for epoch in left]
    speaks_within = sampling.mode != "off" and sampling.every_n_steps
    within = len(left) * ((steps - 1) // speaks_within) if speaks_within else 0
    met_base = assignment.resumed is not None or sampling.mode == "off"
    return Plan(
        clip_seconds=clip_seconds,
        batches=epoch_batches(clip_seconds, assignment.batch_limits, seed=settings.seed, epoch=1),
        steps=steps,
        epochs_left=len(left),
        saved=within + sum(one.save for one in due),
        spoken=within + sum(one.speak for one in due) + (not met_base),
    )


def plan_rows(assignment: Assignment, plan: Plan) -> list[tuple[str, str]]:
    """What people are told of it: what it is about, and what is planned."""
    training, sampling = assignment.settings.training, assignment.settings.sampling
    epochs = _n("{n} epoch", "{n} epochs", training.epochs).format(n=training.epochs) + _advised(assignment, "epochs")
    if assignment.resumed:
        epochs = _("{left} of {epochs} left").format(left=plan.epochs_left, epochs=epochs)
    size = _("up to {n} clips").format(n=training.batch_size)
    if training.batch_seconds:
        size += _(" and {n:g} s").format(n=training.batch_seconds)
    rate = f"{training.learning_rate:.2g}" + _advised(assignment, "learning_rate")
    if training.warmup_steps:
        rate += _(" after {n} steps of warm-up").format(n=training.warmup_steps) + _advised(assignment, "warmup_steps")
    if training.decoder_learning_rate:
        rate += _("; the decoder {rate:.2g}").format(rate=training.decoder_learning_rate)
    device = device_kind(training)
    precision = arithmetic_on(torch.device(device), training.precision)
    computing = _("{precision} on {device}").format(precision=precision, device=device)
    if device == "cpu":
        threads = torch.get_num_threads()
        computing += _n(", {n} thread", ", {n} threads", threads).format(n=threads)
    speaking = _("nobody (off)")
    if sampling.mode != "off":
        sentences = len(assignment.audition.sentences)
        speaking = _n("{mode}, {times} x {n} sentence", "{mode}, {times} x {n} sentences", sentences).format(
            mode=sampling.mode, times=plan.spoken, n=sentences
        )
    minutes = sum(plan.clip_seconds) / 60
    return [
        (
            _("Clips"),
            _("{n} ({minutes:.1f} min), {held_out} held out").format(
                n=len(plan.clip_seconds), minutes=minutes, held_out=len(assignment.dataset.held_out)
            ),
        ),
        (_("Learning"), _("{epochs} x {steps} steps").format(epochs=epochs, steps=plan.steps)),
        (
            _("Batches"),
            _("{n} an epoch, {size}, {share:.1%} padding").format(
                n=len(plan.batches), size=size, share=padding_share(plan.batches, plan.clip_seconds)
            ),
        ),
        (_("Learning rate"), rate),
        *([(_("LoRA"), _("rank {n}").format(n=training.lora_rank))] if training.lora_rank else []),
        (_("Computing"), computing),
        (_("Speaking"), speaking),
    ]


def aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Rows of two columns as lines."""
    width = max(len(label) for label, _text in rows)
    return [f"  {label:<{width}}  {text}" for label, text in rows]


def device_kind(training: TrainingSettings) -> str:
    """Where it is going to compute."""
    if training.device != "auto":
        return training.device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def padded_seconds(batch: Iterable[int], clip_seconds: Sequence[float]) -> float:
    """What one batch computes: as much for each clip as for the longest."""
    seconds = [clip_seconds[clip] for clip in batch]
    return len(seconds) * max(seconds)


def _advised(assignment: Assignment, name: str) -> str:
    return _(" (advised)") if name in assignment.advised else ""

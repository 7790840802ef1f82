"""Fine-tuning, top to bottom: epochs of steps, a validation, a checkpoint, and the checkpoint's voice."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch

from escuta.data.batches import crop_seed, epoch_batches
from escuta.errors import RunError
from escuta.messages import _
from escuta.models.base import Batch, Features, VoiceModel
from escuta.run.checkpoints import Checkpoint, Progress
from escuta.run.events import EventLog, read_events
from escuta.sampling.listener import Listener
from escuta.terminal import Terminal
from escuta.training.assignment import Assignment
from escuta.training.due import due_after_epoch, speak_after_step
from escuta.training.interrupt import Interruption
from escuta.training.keeper import Keeper
from escuta.training.learner import Learner, Step


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one start of a training ended."""

    ended: Literal["finished", "interrupted"]
    progress: Progress
    seconds: float
    """In all."""
    sample_seconds: float
    """What samples kept the training thread from learning; waiting at the very end not counted."""
    checkpoint_seconds: float
    """What checkpoints did."""


@dataclass(slots=True)
class Training:
    """One start of a training, ready to go."""

    assignment: Assignment
    model: VoiceModel
    learner: Learner
    clips: Sequence[Features]
    """Of the training clips."""
    held_out: Sequence[Features]
    """Of the clips kept apart."""
    listener: Listener
    keeper: Keeper
    events: EventLog
    terminal: Terminal
    on_news: Callable[[], None]
    """Called when the run has something new to show."""
    news_seconds: float = 0.0
    """What showing news has kept the training thread from learning, so far."""
    bad_steps: int = 0
    """In a row, without a finite loss."""
    saved_step: int = 0
    """Of the newest checkpoint."""

    def run(self, progress: Progress, interruption: Interruption) -> Outcome:
        """Learn from `progress` on to the last epoch, or until somebody interrupts.

        Raises:
            RunError: The loss has no finite value any more.
            OSError: The run's files cannot be written.
        """
        started = time.perf_counter()
        self.events.write("start", {"epoch": progress.epoch, "step": progress.step, "device": str(self.learner.device)})
        epochs = self.assignment.settings.training.epochs
        self.saved_step = progress.step
        if progress.step == 0:
            self._meet_base()
        else:
            self._ask_again(progress)
        while progress.epoch < epochs and not interruption.asked:
            progress = self._epoch(progress, interruption)
        if progress.step > self.saved_step:
            self.keeper.write(self.assignment.run.last_state, self._checkpoint(progress))
        sample_seconds = self.listener.stall_seconds + self.news_seconds
        checkpoint_seconds = self.keeper.stall_seconds
        self.keeper.tell(wait=True)
        self.listener.finish(stop=lambda: interruption.asked)
        outcome = Outcome(
            ended="finished" if progress.epoch >= epochs else "interrupted",
            progress=progress,
            seconds=time.perf_counter() - started,
            sample_seconds=sample_seconds,
            checkpoint_seconds=checkpoint_seconds,
        )
        self.events.write(
            outcome.ended,
            {
                "epoch": progress.epoch,
                "step": progress.step,
                "seconds": round(outcome.seconds, 3),
                "stall_seconds": round(sample_seconds + checkpoint_seconds, 4),
            },
        )
        self._show_news()
        return outcome

    def _meet_base(self) -> None:
        """Validate and hear the base model, so that every later number and sample has something to beat."""
        val_loss = self.learner.validate(self._validation_batches())
        self.events.write("epoch", {"epoch": 0, "step": 0, "train_loss": None, "val_loss": val_loss, "improved": False})
        self.terminal.say(_("Base model: val_loss {val:.4f}").format(val=val_loss))
        if self.assignment.settings.sampling.mode != "off":
            self.listener.ask(self.assignment.job(name="epoch_0", epoch=0, step=0, checkpoint=None, best=False))

    def _ask_again(self, progress: Progress) -> None:
        """Have spoken what an earlier start of this run asked for and did not live to hear."""
        if self.assignment.settings.sampling.mode in ("inline", "off"):  # inline has the weights of the moment alone
            return
        run = self.assignment.run
        asked: dict[str, tuple[int, int]] = {}
        for event in read_events(run.events):
            match event:
                case {"event": "sample_asked", "name": str(name), "epoch": int(epoch), "step": int(step)}:
                    asked[name] = epoch, step
                case {"event": "sample", "name": name}:
                    asked.pop(name, None)
        for name, (epoch, step) in asked.items():
            checkpoint = run.checkpoint(name) if step else None
            if checkpoint is None or checkpoint.exists():
                best = name == f"epoch_{progress.best_epoch}"
                self.listener.ask(
                    self.assignment.job(name=name, epoch=epoch, step=step, checkpoint=checkpoint, best=best)
                )

    def _epoch(self, progress: Progress, interruption: Interruption) -> Progress:
        """Take what is left of the epoch under way; return how far that came.

        Raises:
            RunError: The loss has no finite value any more.
        """
        settings = self.assignment.settings
        epoch = progress.epoch + 1
        accumulation = settings.training.accumulation_steps
        clip_seconds = [clip.seconds for clip in self.assignment.dataset.train]
        batches = epoch_batches(clip_seconds, self.assignment.batch_limits, seed=settings.seed, epoch=epoch)
        losses: list[float] = []
        started = time.perf_counter()
        title = _("Epoch {epoch}/{epochs}").format(epoch=epoch, epochs=settings.training.epochs)
        steps_left = math.ceil((len(batches) - progress.micro_steps_in_epoch) / accumulation)
        with self.terminal.progress(title, steps_left) as advance:
            for first in range(progress.micro_steps_in_epoch, len(batches), accumulation):
                numbers = range(first, min(first + accumulation, len(batches)))
                step = self.learner.step([self._batch(batches[number], epoch, number) for number in numbers])
                progress = replace(progress, step=progress.step + 1, micro_steps_in_epoch=numbers.stop)
                self._note_step(step, progress)
                losses.append(step.loss)
                advance(f"loss {step.loss:.3f}")
                self.listener.tell()
                self.keeper.tell()
                if numbers.stop == len(batches):
                    break
                if interruption.asked:
                    return progress
                if step.taken and speak_after_step(progress.step, settings.sampling):
                    self._save(progress, f"step_{progress.step}", epoch=epoch, speak=True)
        seconds = time.perf_counter() - started
        return self._end_epoch(replace(progress, epoch=epoch, micro_steps_in_epoch=0), losses, seconds)

    def _end_epoch(self, progress: Progress, losses: list[float], seconds: float) -> Progress:
        settings = self.assignment.settings
        finite = [loss for loss in losses if math.isfinite(loss)]
        train_loss = sum(finite) / len(finite) if finite else math.nan
        val_loss = self.learner.validate(self._validation_batches())
        if not math.isfinite(val_loss):
            raise RunError(
                _(
                    "epoch {epoch}: val_loss is {val}; expected a number. These weights were not saved: lower "
                    "training.learning_rate and continue from the last checkpoint with --resume."
                ).format(epoch=progress.epoch, val=val_loss)
            )
        improved = progress.best_val_loss is None or val_loss < progress.best_val_loss
        if improved:
            progress = replace(progress, best_val_loss=val_loss, best_epoch=progress.epoch)
        self.events.write(
            "epoch",
            {
                "epoch": progress.epoch,
                "step": progress.step,
                "train_loss": train_loss,
                "val_loss": val_loss,
                "improved": improved,
                "seconds": round(seconds, 3),
            },
        )
        self.terminal.say(
            _("Epoch {epoch}/{epochs}: train_loss {train:.4f}, val_loss {val:.4f}{best}, {seconds:.1f} s").format(
                epoch=progress.epoch,
                epochs=settings.training.epochs,
                train=train_loss,
                val=val_loss,
                best=_(" (best)") if improved else "",
                seconds=seconds,
            )
        )
        due = due_after_epoch(progress.epoch, improved=improved, training=settings.training, sampling=settings.sampling)
        if due.save:
            name = f"epoch_{progress.epoch}"
            self._save(progress, name, epoch=progress.epoch, speak=due.speak, val_loss=val_loss, best=improved)
        return progress

    def _save(
        self,
        progress: Progress,
        name: str,
        *,
        epoch: int,
        speak: bool,
        val_loss: float | None = None,
        best: bool = False,
    ) -> None:
        path = self.assignment.run.checkpoint(name)
        weights = self.keeper.write(path, self._checkpoint(progress, val_loss), best=best)
        self.saved_step = progress.step
        if speak:
            job = self.assignment.job(name=name, epoch=epoch, step=progress.step, checkpoint=path, best=best)
            self.listener.ask(replace(job, staged=weights))
        self._show_news()

    def _checkpoint(self, progress: Progress, val_loss: float | None = None) -> Checkpoint:
        fingerprint = self.assignment.base_fingerprint
        return self.learner.checkpoint(progress, val_loss=val_loss, base_fingerprint=fingerprint)

    def _show_news(self) -> None:
        started = time.perf_counter()
        self.on_news()
        self.news_seconds += time.perf_counter() - started

    def _note_step(self, step: Step, progress: Progress) -> None:
        """Note a step; stop when nothing is learned any more.

        Raises:
            RunError: Too many steps in a row without a finite loss.
        """
        event = {"step": progress.step, "epoch": progress.epoch + 1, "loss": step.loss, "grad_norm": step.grad_norm}
        self.events.write("step" if step.taken else "step_skipped", {**event, **step.parts})
        self.bad_steps = 0 if step.taken else self.bad_steps + 1
        if step.taken:
            return
        self.terminal.say(
            _("⚠️  Step {step}: the loss is {loss}, the gradient {norm}; the step was skipped.").format(
                step=progress.step, loss=step.loss, norm=step.grad_norm
            )
        )
        if self.bad_steps >= self.assignment.settings.training.max_bad_steps:
            raise RunError(
                _(
                    "step {step}: {n} steps in a row without a finite loss; expected numbers. Lower "
                    "training.learning_rate and continue from the last checkpoint with --resume."
                ).format(step=progress.step, n=self.bad_steps)
            )

    def _batch(self, indices: list[int], epoch: int, number: int) -> Batch:
        """Batch `number` of `epoch`; its random crops depend on the seed, the epoch and the number alone."""
        seed = self.assignment.settings.seed
        generator = torch.Generator().manual_seed(crop_seed(seed, epoch, number))
        return self.model.collate([self.clips[index] for index in indices], generator)

    def _validation_batches(self) -> list[Batch]:
        clip_seconds = [clip.seconds for clip in self.assignment.dataset.held_out]
        batches = self.assignment.batch_limits.batches(range(len(clip_seconds)), clip_seconds)
        return [self.model.collate([self.held_out[index] for index in batch], None) for batch in batches]

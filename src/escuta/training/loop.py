"""Fine-tuning, top to bottom: epochs of steps, a validation, a checkpoint, and the checkpoint's voice.

Where several processes train together, all of them run this, in step; those that are not the first have a terminal, a
log of events, a keeper and a listener that leave nothing anywhere.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch

from escuta.data.batches import crop_seed, epoch_batches, order_fingerprint, shard
from escuta.errors import RunError
from escuta.messages import _
from escuta.models.base import Batch, Features, VoiceModel
from escuta.run.checkpoints import Checkpoint, Progress
from escuta.run.events import EventLog, read_events
from escuta.sampling.listener import Listener
from escuta.terminal import Terminal
from escuta.training.advice import steps_an_epoch
from escuta.training.assignment import Assignment
from escuta.training.due import due_after_epoch, speak_after_step
from escuta.training.encore import ask_encore
from escuta.training.interrupt import Interruption
from escuta.training.judge import Judge
from escuta.training.keeper import Keeper, NoKeeper
from escuta.training.learner import Learner, Step
from escuta.training.pace import Lap, Pace, epoch_words, memory_gb, step_words
from escuta.training.ranks import ALONE, Ranks
from escuta.training.schedule import learning_rate_at
from escuta.training.stopping import Clock, Reason, Urge, out_of_patience, why_ended
from escuta.training.trackers import Trackers


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one start of a training ended."""

    reason: Reason
    progress: Progress
    seconds: float
    """In all."""
    sample_seconds: float
    """What samples kept the training thread from learning; waiting at the very end not counted."""
    checkpoint_seconds: float
    """What checkpoints did."""

    @property
    def ended(self) -> Literal["finished", "interrupted"]:
        """Whether it came to an end of its own."""
        return "interrupted" if self.reason == "asked" else "finished"


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
    keeper: Keeper | NoKeeper
    judge: Judge
    trackers: Trackers
    events: EventLog
    terminal: Terminal
    on_news: Callable[[], None]
    """Called when the run has something new to show."""
    news_seconds: float = 0.0
    """What showing news has kept the training thread from learning, so far."""
    bad_steps: int = 0
    """In a row, without a finite loss."""
    in_vain: bool = False
    """Whether it was out of patience at the end of its last epoch."""
    pace: Pace = field(default_factory=Pace)
    ranks: Ranks = ALONE
    clock: Clock = field(init=False)
    total_steps: int = field(init=False)
    """Of the whole run, as long as epochs have as many batches as the first."""

    def __post_init__(self) -> None:
        """Begin to count the time."""
        settings = self.assignment.settings
        clip_seconds = [clip.seconds for clip in self.assignment.dataset.train]
        an_epoch = steps_an_epoch(clip_seconds, settings.training, settings.seed, self.ranks.of)
        self.total_steps = settings.training.epochs * an_epoch
        self.clock = Clock(settings.training)

    def run(self, progress: Progress, interruption: Interruption) -> Outcome:
        """Learn from `progress` on until there is a reason to end.

        Raises:
            RunError: The loss has no finite value any more; or the last state has no room on the disk.
            OSError: The run's files cannot be written.
        """
        started = time.perf_counter()
        self.events.write("start", {"epoch": progress.epoch, "step": progress.step, "device": str(self.learner.device)})
        settings = self.assignment.settings
        self.keeper.saved_step = progress.step
        if progress.step == 0:
            self._meet_base()
        else:
            self._ask_again(progress)
        self.judge.tell(self.events)
        self.in_vain = self._is_out_of_patience(progress)
        while (reason := self._why_ended(progress, interruption)) is None:
            progress = self._epoch(progress, interruption)
        self.keeper.tell(wait=True)
        unsaved = self.ranks.from_first(progress.step > self.keeper.saved_step)
        if unsaved and reason == "minutes":
            name = f"step_{progress.step}" if progress.micro_steps_in_epoch else f"epoch_{progress.epoch}"
            epoch = progress.epoch + (progress.micro_steps_in_epoch > 0)
            self._save(progress, name, epoch=epoch, speak=settings.sampling.mode != "off")
        elif unsaved:
            self._save_state(progress)
        sample_seconds = self.listener.stall_seconds + self.judge.stall_seconds + self.news_seconds
        checkpoint_seconds = self.keeper.stall_seconds
        self.keeper.tell(wait=True)
        if reason in ("epochs", "patience"):
            self.listener.catch_up(stop=lambda: interruption.asked)
            self.judge.tell(self.events)
            if not interruption.asked:
                ask_encore(self.assignment, self.listener, self.judge.best_name, progress.best_epoch)
        self.listener.finish(stop=lambda: interruption.asked)
        self.judge.tell(self.events)
        self.keeper.tidy()  # some were kept until they were spoken and scored
        self._insist_on_saving(progress)
        outcome = Outcome(
            reason=reason,
            progress=progress,
            seconds=time.perf_counter() - started,
            sample_seconds=sample_seconds,
            checkpoint_seconds=checkpoint_seconds,
        )
        self.events.write(
            outcome.ended,
            {
                "reason": reason,
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
        all_batches = epoch_batches(clip_seconds, self.assignment.batch_limits, seed=settings.seed, epoch=epoch)
        order = order_fingerprint(all_batches, self.ranks.of)
        shares = [shard(all_batches, rank, self.ranks.of) for rank in range(self.ranks.of)]
        batches = shares[self.ranks.number]
        losses: list[float] = []
        started = time.perf_counter()
        self.pace.begin_epoch()
        title = _("Epoch {epoch}/{epochs}").format(epoch=epoch, epochs=settings.training.epochs)
        steps_left = math.ceil((len(batches) - progress.micro_steps_in_epoch) / accumulation)
        with self.terminal.progress(title, steps_left) as advance:
            for first in range(progress.micro_steps_in_epoch, len(batches), accumulation):
                numbers = range(first, min(first + accumulation, len(batches)))
                self.learner.set_learning_rate(self._learning_rate(progress.step + 1))
                step = self.learner.step([self._batch(batches[number], epoch, number) for number in numbers])
                learned = [clip for share in shares for number in numbers for clip in share[number]]
                lap = self.pace.note([clip_seconds[clip] for clip in learned])
                progress = replace(progress, step=progress.step + 1, micro_steps_in_epoch=numbers.stop, order=order)
                self._note_step(step, progress, lap)
                losses.append(step.loss)
                advance(step_words(step.loss, self.pace, self._audio_left(epoch, self.pace.epoch.audio_seconds)))
                self.listener.tell()
                self.keeper.tell()
                self.judge.tell(self.events)
                if numbers.stop == len(batches):
                    break
                urge = self._urge(interruption)
                if urge >= Urge.MINUTES:
                    return progress
                if step.taken and urge is Urge.SAVE:
                    self._save_state(progress)
                if step.taken and speak_after_step(progress.step, settings.sampling):
                    self._save(progress, f"step_{progress.step}", epoch=epoch, speak=True)
        seconds = time.perf_counter() - started
        return self._end_epoch(replace(progress, epoch=epoch, micro_steps_in_epoch=0, order=""), losses, seconds)

    def _end_epoch(self, progress: Progress, losses: list[float], seconds: float) -> Progress:
        settings = self.assignment.settings
        finite = [loss for loss in losses if math.isfinite(loss)]
        train_loss = sum(finite) / len(finite) if finite else math.nan
        val_loss = self.ranks.from_first(self.learner.validate(self._validation_batches()))
        if not math.isfinite(val_loss):
            raise RunError(
                _(
                    "epoch {epoch}: val_loss is {val}; expected a number. These weights were not saved: lower "
                    "training.learning_rate and continue from the last checkpoint with --resume."
                ).format(epoch=progress.epoch, val=val_loss)
            )
        learning_rate = self._learning_rate(progress.step)
        memory = memory_gb(self.learner.device)
        seconds_left = self.pace.seconds_left(self._audio_left(progress.epoch + 1, 0.0))
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
                "learning_rate": learning_rate,
                "clips_per_second": round(self.pace.epoch.clips_per_second, 3),
                "audio_per_second": round(self.pace.epoch.audio_per_second, 3),
                "seconds_left": seconds_left if seconds_left is None else round(seconds_left, 1),
                **memory,
            },
        )
        self.terminal.say(
            _(
                "Epoch {epoch}/{epochs}: train_loss {train:.4f}, val_loss {val:.4f}{best}, {seconds:.1f} s, {more}"
            ).format(
                epoch=progress.epoch,
                epochs=settings.training.epochs,
                train=train_loss,
                val=val_loss,
                best=_(" (best)") if improved else "",
                seconds=seconds,
                more=epoch_words(self.pace.epoch, learning_rate, memory, seconds_left),
            )
        )
        self.in_vain = self._is_out_of_patience(progress)
        due = due_after_epoch(
            progress.epoch, improved=improved, training=settings.training, sampling=settings.sampling, last=self.in_vain
        )
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
        self.clock.saved()
        if speak:
            job = self.assignment.job(name=name, epoch=epoch, step=progress.step, checkpoint=path, best=best)
            self.listener.ask(replace(job, staged=weights))
        self._show_news()

    def _save_state(self, progress: Progress) -> None:
        """Save where the training is, to be continued from; nobody speaks it."""
        self.keeper.write(self.assignment.run.last_state, self._checkpoint(progress))
        self.clock.saved()

    def _insist_on_saving(self, progress: Progress) -> None:
        """Save once more what found no room on the disk: samples that are spoken may have let checkpoints go.

        Raises:
            RunError: There still is none.
        """
        if self.ranks.from_first(progress.step > self.keeper.saved_step):
            self._save_state(progress)
            self.keeper.tell(wait=True)
        if self.ranks.from_first(progress.step > self.keeper.saved_step):
            raise RunError(
                _(
                    "{folder}: the disk is full; the last state, step {step}, could not be saved, and what is there is "
                    "of step {saved}. Free some space and continue from there with --resume."
                ).format(folder=self.assignment.run.checkpoints, step=progress.step, saved=self.keeper.saved_step)
            )

    def _why_ended(self, progress: Progress, interruption: Interruption) -> Reason | None:
        training = self.assignment.settings.training
        return why_ended(progress, training, self._urge(interruption), in_vain=self.in_vain)

    def _is_out_of_patience(self, progress: Progress) -> bool:
        """Whether it goes on no further, for all processes alike: only the first hears scores."""
        scored_in_vain = self.judge.epochs_in_vain()
        return self.ranks.from_first(out_of_patience(progress, self.assignment.settings.training, scored_in_vain))

    def _urge(self, interruption: Interruption) -> Urge:
        """What is wanted now, by the clock or by people, in whichever process."""
        urge = Urge(self.ranks.most(self.clock.urge(asked=interruption.asked)))
        interruption.asked = interruption.asked or urge is Urge.ASKED
        return urge

    def _learning_rate(self, step: int) -> float:
        return learning_rate_at(step, self.assignment.settings.training, self.total_steps)

    def _checkpoint(self, progress: Progress, val_loss: float | None = None) -> Checkpoint:
        fingerprint = self.assignment.base_fingerprint
        return self.learner.checkpoint(progress, val_loss=val_loss, base_fingerprint=fingerprint)

    def _show_news(self) -> None:
        started = time.perf_counter()
        self.on_news()
        self.news_seconds += time.perf_counter() - started

    def _audio_left(self, epoch: int, done_seconds: float) -> float:
        """Seconds of audio still to be learned from, `done_seconds` of `epoch` being done."""
        an_epoch = sum(clip.seconds for clip in self.assignment.dataset.train)
        return (self.assignment.settings.training.epochs - epoch + 1) * an_epoch - done_seconds

    def _note_step(self, step: Step, progress: Progress, lap: Lap) -> None:
        """Note a step; stop when nothing is learned any more.

        Raises:
            RunError: Too many steps in a row without a finite loss.
        """
        event = {
            "step": progress.step,
            "epoch": progress.epoch + 1,
            "loss": step.loss,
            "grad_norm": step.grad_norm,
            "learning_rate": self._learning_rate(progress.step),
            "clips_per_second": round(lap.clips_per_second, 3),
            "audio_per_second": round(lap.audio_per_second, 3),
        }
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
        """Batch `number` of `epoch`; its random crops depend on its place in the epoch alone."""
        seed = self.assignment.settings.seed
        generator = torch.Generator().manual_seed(crop_seed(seed, epoch, number * self.ranks.of + self.ranks.number))
        return self.model.collate([self.clips[index] for index in indices], generator)

    def _validation_batches(self) -> list[Batch]:
        clip_seconds = [clip.seconds for clip in self.assignment.dataset.held_out]
        batches = self.assignment.batch_limits.batches(range(len(clip_seconds)), clip_seconds)
        return [self.model.collate([self.held_out[index] for index in batch], None) for batch in batches]

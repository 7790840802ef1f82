"""Has the checkpoints of a training spoken and scored, and tells people and events.jsonl what came of it."""

import time
from collections.abc import Callable
from pathlib import Path

from escuta.messages import _, _n
from escuta.run.events import EventLog
from escuta.sampling.job import SampleJob
from escuta.sampling.narration import announce, describe
from escuta.sampling.sampler import Sampler
from escuta.scoring.scorekeeper import Scorekeeper
from escuta.terminal import Terminal


class Listener:
    """Between a training and whoever speaks for it.

    Args:
        sampler: Speaks.
        samples: The run's samples/.
        from_dataset: Whether the sentences are the dataset's, for people.
        events: Where results are noted.
        terminal: Where people read.
        on_news: Called when there is something new to hear.
    """

    def __init__(
        self,
        sampler: Sampler,
        samples: Path,
        *,
        from_dataset: bool,
        events: EventLog,
        terminal: Terminal,
        on_news: Callable[[], None],
    ) -> None:
        self._sampler = sampler
        self._samples = samples
        self._from_dataset = from_dataset
        self._events = events
        self._terminal = terminal
        self._on_news = on_news
        self.scorekeeper: Scorekeeper | None = None
        """Has what was spoken scored; None has nobody score it."""
        self.stall_seconds = 0.0
        """What samples have kept the training thread from learning, so far."""

    def ask(self, job: SampleJob) -> None:
        """Have `job` spoken."""
        started = time.perf_counter()
        if speaker := self._sampler.speaker:
            announced = announce(job, mode=speaker.mode, device=speaker.device, from_dataset=self._from_dataset)
            self._terminal.say(*announced)
        self._sampler.submit(job)
        seconds = time.perf_counter() - started
        self.stall_seconds += seconds
        self._events.write(
            "sample_asked",
            {"name": job.name, "epoch": job.epoch, "step": job.step, "stall_seconds": round(seconds, 4)},
        )
        self.tell()

    def tell(self) -> None:
        """Tell what was finished since the last time; never waits."""
        started = time.perf_counter()
        results = self._sampler.results()
        for result in results:
            self._events.write("sample", result.to_json())
            self._terminal.say(*describe(result, self._samples))
            if self.scorekeeper and result.status == "spoken":
                self.scorekeeper.ask(result.name)
        scored = self.scorekeeper is not None and self.scorekeeper.tell()
        if results or scored:
            self._on_news()
        self.stall_seconds += time.perf_counter() - started

    def checkpoints_needed(self) -> set[Path]:
        """Checkpoints that still have to be spoken."""
        return {job.checkpoint for job in self._sampler.waiting() if job.checkpoint}

    @property
    def is_heard(self) -> bool:
        """Whether anybody still speaks."""
        return self._sampler.speaker is not None

    def catch_up(self, stop: Callable[[], bool]) -> None:
        """Wait until everything is spoken and scored, or until `stop` says so."""
        self.tell()
        if waiting := len(self._sampler.waiting()):
            self._terminal.say(
                _n("⏳ Waiting for {n} sample...", "⏳ Waiting for {n} samples...", waiting).format(n=waiting)
            )
        while self._sampler.waiting() and not stop():
            self._sampler.wait(seconds=0.5)
            self.tell()
        if self.scorekeeper and self.scorekeeper.catch_up(stop):
            self._on_news()

    def finish(self, stop: Callable[[], bool]) -> None:
        """Catch up; then end whoever speaks and scores."""
        self.catch_up(stop)
        if left := [job.name for job in self._sampler.waiting()]:
            self._terminal.say(
                _("Not spoken: {names}. Speak them later with: escuta sample RUN --missing").format(
                    names=", ".join(left)
                )
            )
        if self.scorekeeper:
            self.scorekeeper.tell_left()
        self.close()

    def close(self) -> None:
        """End whoever speaks and scores, at once."""
        self._sampler.close()
        if self.scorekeeper:
            self.scorekeeper.close()

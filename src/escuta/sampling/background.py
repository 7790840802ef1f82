"""A child process that speaks beside training: started once, fed, watched, restarted."""

import math
import time
from collections import deque
from functools import partial
from typing import NoReturn

from escuta.messages import _
from escuta.sampling.job import SampleJob, SampleResult, cause
from escuta.sampling.process import SpeakingProcess, Workplace
from escuta.sampling.speaker import MAX_RESTARTS, SpeakerBroken
from escuta.sampling.worker import read_result

MAX_ATTEMPTS = 2
"""At one job: a job that kills the process twice is at fault itself."""

BACK_OFF_SECONDS = (0.5, 2.0, 8.0)
"""Before each restart in a row."""

MAX_WAITING = 4
"""Jobs waiting to be spoken; beyond that the oldest that is not the best is skipped, so that disk use stays bounded."""

NICENESS = 5
"""Of the child, above that of training: where both want the same core, it gets a quarter of it. At 19 it got so little
beside a training on the CPU that no sample came before the end; docs/decisions/0007-niceness-of-the-speaker.md.
"""


class BackgroundSpeaker:
    """A child process that stays for the whole run; training never waits for it.

    Args:
        workplace: What the child is started with.
    """

    mode = "background"

    def __init__(self, workplace: Workplace) -> None:
        self.device = workplace.device
        self._start = partial(SpeakingProcess, workplace, mode=self.mode, nice=NICENESS)
        self._timeout_seconds = workplace.timeout_seconds
        self._process: SpeakingProcess | None = None
        self._ready = False
        self._speaking: SampleJob | None = None
        self._jobs: deque[SampleJob] = deque()
        self._attempts: dict[str, int] = {}
        self._restarts = 0
        self._restart_at = 0.0
        self._results: list[SampleResult] = []
        self._start_if_due()

    @property
    def pid(self) -> int | None:
        """Of the child, None between two of them."""
        return self._process.pid if self._process else None

    def submit(self, job: SampleJob) -> None:
        """Take a job; when too many wait, the oldest that is not the best is skipped, never the newest."""
        self._jobs.append(job)
        if len(self._jobs) > MAX_WAITING:
            older = list(self._jobs)[:-1]
            late = next((one for one in older if not one.best), older[0])
            self._jobs.remove(late)
            self._results.append(
                SampleResult.unspoken(
                    late, mode=self.mode, status="skipped", reason=_("newer checkpoints were waiting")
                )
            )
        self._hand_over()

    def results(self) -> list[SampleResult]:
        """What was finished since the last call; never waits."""
        if self._process is None:
            self._start_if_due()
        else:
            self._listen(self._process)
        self._hand_over()
        finished, self._results = self._results, []
        return finished

    def waiting(self) -> list[SampleJob]:
        """Jobs not finished yet."""
        return [*([self._speaking] if self._speaking else []), *self._jobs]

    def close(self) -> None:
        """End the child at once, and start none any more."""
        self._restart_at = math.inf
        if self._process:
            self._process.end()
            self._process = None

    def _start_if_due(self) -> None:
        if time.monotonic() < self._restart_at:
            return
        try:
            self._process = self._start()
        except OSError as error:  # no memory or no handles left for one more process
            self._give_up(cause(error))

    def _give_up(self, reason: str) -> NoReturn:
        self.close()
        raise SpeakerBroken(reason, self.waiting())

    def _listen(self, process: SpeakingProcess) -> None:
        alive = process.alive()
        for message in process.messages():
            if "fatal" in message:
                self._give_up(message["fatal"])
            self._ready = self._ready or "ready" in message
            if result := read_result(message):
                self._results.append(result)
                self._speaking = None
                self._restarts = 0
        busy = self._speaking is not None or not self._ready
        if not alive:
            self._restart(_("it died ({why})").format(why=process.end()))
        elif busy and process.silent_seconds() > self._timeout_seconds:
            process.end()
            self._restart(_("it was silent for {seconds:.0f} s").format(seconds=self._timeout_seconds))

    def _restart(self, reason: str) -> None:
        self._process, self._ready = None, False
        if job := self._speaking:
            self._speaking = None
            self._attempts[job.name] = self._attempts.get(job.name, 0) + 1
            if self._attempts[job.name] < MAX_ATTEMPTS:
                self._jobs.appendleft(job)
            else:
                self._results.append(SampleResult.unspoken(job, mode=self.mode, status="failed", reason=reason))
        if self._restarts >= MAX_RESTARTS:
            self._give_up(reason)
        self._restart_at = time.monotonic() + BACK_OFF_SECONDS[self._restarts]
        self._restarts += 1

    def _hand_over(self) -> None:
        if self._process and self._jobs and self._speaking is None:
            self._speaking = self._jobs.popleft()
            self._process.send(self._speaking)

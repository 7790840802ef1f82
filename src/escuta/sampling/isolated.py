"""A fresh process for every sample, while training waits."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from escuta.messages import _
from escuta.sampling.job import SampleJob, SampleResult, cause
from escuta.sampling.process import SpeakingProcess, Workplace
from escuta.sampling.speaker import MAX_RESTARTS, SpeakerBroken
from escuta.sampling.worker import read_result


class IsolatedSpeaker:
    """A fresh process for every sample, while training waits and has left the GPU: the guide's way.

    Args:
        workplace: What the process is started with.
        room: Moves the training model off its GPU for as long as it is entered.
    """

    mode = "isolated"

    def __init__(self, workplace: Workplace, room: Callable[[], AbstractContextManager[None]]) -> None:
        self.device = workplace.device
        self._start = partial(SpeakingProcess, workplace, mode=self.mode, nice=0)
        self._timeout_seconds = workplace.timeout_seconds
        self._room = room
        self._failures = 0
        self._results: list[SampleResult] = []

    def submit(self, job: SampleJob) -> None:
        """Speak `job` now."""
        with self._room():
            result = self._speak(job)
        self._results.append(result)

    def results(self) -> list[SampleResult]:
        """What was finished since the last call."""
        finished, self._results = self._results, []
        return finished

    def waiting(self) -> list[SampleJob]:
        """Nothing ever waits."""
        return []

    def close(self) -> None:
        """Nothing runs between two samples."""

    def _speak(self, job: SampleJob) -> SampleResult:
        try:
            process = self._start()
        except OSError as error:  # no memory or no handles left for one more process
            raise SpeakerBroken(cause(error), [job]) from error
        try:
            process.send(job)
            process.finish()
            while True:
                alive = process.alive()
                for message in process.messages(wait_seconds=0.2):
                    if result := read_result(message):
                        self._failures = 0
                        return result
                    if "fatal" in message:
                        raise SpeakerBroken(message["fatal"], [job])
                if not alive:
                    return self._failed(job, _("it died ({why})").format(why=process.end()))
                if process.silent_seconds() > self._timeout_seconds:
                    return self._failed(
                        job, _("it was silent for {seconds:.0f} s").format(seconds=self._timeout_seconds)
                    )
        finally:
            process.end()

    def _failed(self, job: SampleJob, reason: str) -> SampleResult:
        self._failures += 1
        if self._failures > MAX_RESTARTS:
            raise SpeakerBroken(reason, [job])
        return SampleResult.unspoken(job, mode=self.mode, status="failed", reason=reason)

"""Samples of a run: whoever speaks, jobs go in, results come out, and training goes on."""

import time
from collections.abc import Callable, Mapping

from escuta.messages import _
from escuta.sampling.job import SampleJob, SampleResult
from escuta.sampling.speaker import Speaker, SpeakerBroken
from escuta.settings import Mode

SAFER: Mapping[Mode, Mode] = {"inline": "background", "background": "isolated", "isolated": "off"}
"""What a mode that does not work here falls back to."""


class Sampler:
    """Speak the checkpoints of a run in `mode`, or in the next safer one where that does not work.

    Args:
        mode: Who speaks first.
        speakers: How to make the speaker of each mode but off.
        on_fallback: Told once a change, with the old mode, the new one and the cause.
    """

    def __init__(
        self,
        mode: Mode,
        speakers: Mapping[Mode, Callable[[], Speaker]],
        on_fallback: Callable[[Mode, Mode, str], None],
    ) -> None:
        self.mode: Mode = mode
        self._speakers = speakers
        self._on_fallback = on_fallback
        self._results: list[SampleResult] = []
        self._speaker: Speaker | None = None
        self._start([])

    @property
    def speaker(self) -> Speaker | None:
        """Who speaks now; None is nobody."""
        return self._speaker

    def submit(self, job: SampleJob) -> None:
        """Have `job` spoken; returns at once in the background mode, when it is spoken in the others."""
        if self._speaker is None:
            self._skip(job)
            return
        try:
            self._speaker.submit(job)
        except SpeakerBroken as broken:
            self._fall_back(broken)

    def results(self) -> list[SampleResult]:
        """What was finished since the last call; never waits."""
        if self._speaker:
            try:
                self._results += self._speaker.results()
            except SpeakerBroken as broken:
                self._fall_back(broken)
        finished, self._results = self._results, []
        return finished

    def waiting(self) -> list[SampleJob]:
        """Jobs not finished yet."""
        return self._speaker.waiting() if self._speaker else []

    def wait(self, seconds: float) -> None:
        """Give waiting jobs up to `seconds`, less when one finishes."""
        deadline = time.monotonic() + seconds
        while self.waiting() and time.monotonic() < deadline:
            self._results = self.results()
            if self._results:
                return
            time.sleep(0.05)

    def close(self) -> None:
        """End at once, whatever is waiting."""
        if self._speaker:
            self._speaker.close()
            self._speaker = None

    def _start(self, jobs: list[SampleJob]) -> None:
        if self.mode == "off":
            for job in jobs:
                self._skip(job)
            return
        try:
            self._speaker = self._speakers[self.mode]()
            while jobs:
                self._speaker.submit(jobs[0])
                jobs = jobs[1:]
        except SpeakerBroken as broken:
            self._fall_back(SpeakerBroken(broken.reason, jobs))

    def _skip(self, job: SampleJob) -> None:
        reason = _("nobody speaks any more")
        self._results.append(SampleResult.unspoken(job, mode="off", status="skipped", reason=reason))

    def _fall_back(self, broken: SpeakerBroken) -> None:
        if self._speaker:
            self._results += self._speaker.results()
        self.close()
        old, self.mode = self.mode, SAFER[self.mode]
        self._on_fallback(old, self.mode, broken.reason)
        self._start(broken.jobs)

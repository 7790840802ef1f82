"""Who speaks takes jobs and gives results; `background`, `isolated` and `inline` are the three who do."""

from typing import Protocol

from escuta.sampling.job import SampleJob, SampleResult

MAX_RESTARTS = 3
"""Of a speaking process, in a row and without a sample between them: then this way of speaking is given up."""


class SpeakerBroken(Exception):
    """This way of speaking does not work here.

    Args:
        reason: Why, in plain words.
        jobs: What it had not spoken.
    """

    def __init__(self, reason: str, jobs: list[SampleJob]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.jobs = jobs


class Speaker(Protocol):
    """Takes jobs, gives results."""

    mode: str
    device: str
    """Where it computes."""

    def submit(self, job: SampleJob) -> None:
        """Take a job."""
        ...

    def results(self) -> list[SampleResult]:
        """What was finished since the last call; never waits.

        Raises:
            SpeakerBroken: This way of speaking does not work here.
        """
        ...

    def waiting(self) -> list[SampleJob]:
        """Jobs not finished yet."""
        ...

    def close(self) -> None:
        """End at once, whatever is waiting."""
        ...

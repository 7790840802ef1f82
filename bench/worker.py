"""escuta's own speaking process, started and fed as a training does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.models import LANGUAGE, Models, sentences
from escuta.run.staging import Staged
from escuta.sampling.background import NICENESS
from escuta.sampling.job import SampleJob, SampleResult
from escuta.sampling.process import SpeakingProcess, Workplace
from escuta.sampling.worker import read_result

TIMEOUT_SECONDS = 300.0


@contextmanager
def worker(base: Path, threads: int, inherited: tuple[int, ...] = ()) -> Iterator[SpeakingProcess]:
    """A process that is ready to speak, and ends with the block."""
    workplace = Workplace(base, "cpu", threads, TIMEOUT_SECONDS, inherited)
    process = SpeakingProcess(workplace, mode="background", nice=NICENESS)
    try:
        while not any("ready" in message for message in listen(process)):
            continue
        yield process
    finally:
        process.end()


def job(models: Models, folder: Path, name: str, staged: Staged | None = None) -> SampleJob:
    """One sentence to speak, with the base model's weights or with those that are staged."""
    return SampleJob(
        name=name,
        epoch=1,
        step=1,
        checkpoint=None,
        staged=staged,
        folder=folder,
        best=False,
        sentences=tuple(sentences(1)),
        reference=models.voice,
        language=LANGUAGE,
    )


def next_result(process: SpeakingProcess) -> SampleResult:
    """Wait for the next sample.

    Raises:
        RuntimeError: There will be none, or it was not spoken.
    """
    while True:
        for message in listen(process):
            if result := read_result(message):
                if result.status != "spoken":
                    raise RuntimeError(f"the speaking process: {result.reason}")
                return result


def listen(process: SpeakingProcess) -> list[dict[str, object]]:
    """Messages that arrive within a moment.

    Raises:
        RuntimeError: The process will never speak.
    """
    alive = process.alive()
    messages = process.messages(wait_seconds=0.2)
    if not alive and not messages:
        raise RuntimeError(f"the speaking process died: {process.end()}")
    if fatal := [message["fatal"] for message in messages if "fatal" in message]:
        raise RuntimeError(f"the speaking process: {fatal[0]}")
    return messages

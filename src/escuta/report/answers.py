"""blind.jsonl: what people answered in blind tests, one JSON line an answer, appended by one server alone."""

import fcntl
import json
import os
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from escuta.errors import RunError
from escuta.messages import _
from escuta.report.ranking import Preferred


class Answer(BaseModel):
    """Which of two checkpoints said a sentence better."""

    model_config = ConfigDict(frozen=True)

    question: str
    """Tells questions apart; of two answers to one question the later counts."""
    text: str
    first: str
    """Name of the checkpoint that was heard as number 1: `epoch_3`."""
    second: str
    first_weights: str
    """Fingerprint of what spoke; an answer counts as long as the sample of that name is of the same weights."""
    second_weights: str
    preferred: Preferred
    seconds: float
    """From when the pair was shown to the answer."""


def read_answers(path: Path) -> list[Answer]:
    """Read the answers that count, oldest first; lines that are torn or of other versions are passed over."""
    found: dict[str, Answer] = {}
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for line in lines:
        try:
            answer = Answer.model_validate_json(line)
        except ValidationError:
            continue
        found[answer.question] = answer
    return list(found.values())


class AnswerFile:
    """The right to append to blind.jsonl, held until this process ends or lets go.

    Args:
        path: Of the file.

    Raises:
        RunError: Another process holds it, or the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise RunError(
                _("{file}: cannot be written ({reason}). Check the folder's permissions.").format(
                    file=path, reason=error.strerror
                )
            ) from None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            raise RunError(
                _("{file}: another `escuta listen` takes answers for this run. Answer there, or end it.").format(
                    file=path
                )
            ) from None

    def append(self, answer: Answer) -> None:
        """Write one answer; it is on disk once this returns.

        Raises:
            OSError: The disk is full.
        """
        line = json.dumps({"time": round(time.time(), 3), **answer.model_dump()}, ensure_ascii=False).encode() + b"\n"
        end = os.lseek(self._handle, 0, os.SEEK_END)
        if end and os.pread(self._handle, 1, end - 1) != b"\n":
            line = b"\n" + line  # a kill tore the last line: begin anew, so that only that line is lost
        with os.fdopen(os.dup(self._handle), "ab") as file:
            file.write(line)
        os.fsync(self._handle)

    def close(self) -> None:
        """Let another process answer."""
        os.close(self._handle)

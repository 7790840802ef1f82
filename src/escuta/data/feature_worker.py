"""The process that computes features: clips come in and features go out on one connection, one after the other.

It ends when the connection does, so that it never outlives the training that started it.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from escuta.errors import EscutaError

COMPUTED, REFUSED = b"+", b"-"
"""First byte of an answer: an entry of the cache follows, or a JSON list of problems."""


@dataclass(frozen=True, slots=True)
class FeatureJob:
    """One clip whose features are wanted."""

    audio: Path
    text: str
    language: str
    sound: bool = False
    """Whether a decoder is going to learn from it."""

    def encoded(self) -> bytes:
        """As the connection carries it."""
        return json.dumps([str(self.audio), self.text, self.language, self.sound]).encode()

    @classmethod
    def decoded(cls, message: bytes) -> "FeatureJob":
        """Read what `encoded` wrote."""
        audio, *others = json.loads(message)
        return cls(Path(audio), *others)


def compute(base: Path, jobs: Iterable[FeatureJob]) -> Iterable[bytes]:
    """Yield the features of each clip, as entries of the cache.

    Raises:
        AudioError: A recording cannot be read any more.
        ModelError: The base model cannot be used.
    """
    import torch

    from escuta.audio.files import read_audio
    from escuta.data.feature_cache import encode
    from escuta.models.load import load_model

    model = load_model(base, uses=["features"])
    for job in jobs:
        wav_T = torch.from_numpy(read_audio(job.audio, model.input_sample_rate))
        yield encode(model.features(wav_T, job.text, job.language, sound=job.sound))


def main(base: Path, connection: Connection) -> None:
    """Answer until the connection ends."""
    import torch

    torch.set_num_threads(1)  # there are as many processes as cores

    def jobs() -> Iterable[FeatureJob]:
        while True:
            yield FeatureJob.decoded(connection.recv_bytes())

    try:
        for content in compute(base, jobs()):
            connection.send_bytes(COMPUTED + content)
    except EscutaError as error:
        connection.send_bytes(REFUSED + json.dumps(error.problems).encode())
    except (EOFError, ConnectionError):
        return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Connection(int(sys.argv[2])))

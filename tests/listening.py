"""Runs that have spoken, and `escuta listen` in a process of its own, spoken to in raw HTTP."""

import http.client
import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import soundfile

from commands import start_escuta
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from escuta.run.publish import publish_text
from sounds import SAMPLE_RATE, speechlike

TEXTS = ("Seven old sailors watch the harbour.", "O pão está fresquinho.")


def make_spoken_run(folder: Path, *, epochs: int, texts: tuple[str, ...] = TEXTS, seconds: float = 0.6) -> RunFolder:
    """A run of a few epochs whose checkpoints are empty files, and all of which have spoken."""
    run = RunFolder(folder)
    run.samples.mkdir(parents=True)
    run.checkpoints.mkdir()
    run.write_facts(
        {
            "escuta": "0.2.0",
            "language": "pt",
            "base": {"title": "XTTS-v2", "kind": "xtts-v2", "folder": "/models/base", "fingerprint": "f00"},
            "dataset": {"clips": 57, "held_out": [], "minutes": 8.23, "fingerprint": "f01"},
            "sentences": [{"text": text, "source": "audio_00003"} for text in texts],
            "reference": "/data/wavs/audio_00042.flac",
        }
    )
    EventLog(run.events).write("start", {"epoch": 0, "step": 0, "device": "cpu"})
    for epoch in range(epochs + 1):
        speak(run, epoch, texts=texts, seconds=seconds)
    return run


def speak(run: RunFolder, epoch: int, *, texts: tuple[str, ...] = TEXTS, seconds: float = 0.6) -> None:
    """Let an epoch end and its checkpoint speak; later ones are louder."""
    name, log = f"epoch_{epoch}", EventLog(run.events)
    place = {"epoch": epoch, "step": 10 * epoch}
    log.write("epoch", {**place, "train_loss": 3.0, "val_loss": 5.0 - epoch, "improved": epoch > 0})
    if epoch:
        run.epoch_checkpoint(epoch).touch()
    sentences = []
    for number, text in enumerate(texts, 1):
        file = f"{name}_output.wav" if number == 1 else f"{name}_output_{number:02d}.wav"
        wav_T = speechlike(seconds, seed=10 * epoch + number) * min(1.0, 0.2 * (epoch + 1))
        soundfile.write(run.samples / file, wav_T, SAMPLE_RATE, subtype="PCM_16")
        sentences.append({"file": file, "text": text, "seed": 7, "audio_seconds": seconds, "stop": "ended"})
    reference = f"{name}_reference.wav"
    soundfile.write(run.samples / reference, speechlike(1.0, seed=99), SAMPLE_RATE, subtype="PCM_16")
    about = {**place, "name": name, "weights": f"{epoch:08d}" * 8, "reference": reference, "sentences": sentences}
    publish_text(run.samples / f"{name}.json", json.dumps(about))
    log.write("sample", {**place, "name": name, "status": "spoken", "mode": "background", "reason": ""})


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By names in small letters."""
    body: bytes


@dataclass(frozen=True)
class Server:
    """A server under test."""

    address: str
    """What it has shown."""

    @property
    def origin(self) -> str:
        return self.address.partition("/?")[0].rstrip("/")

    def ask(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: object = None
    ) -> Answered:
        """Send a request whose path is written as it stands, and read the answer."""
        host = str(urlsplit(self.address).netloc)
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"Host": host, **({"Content-Length": str(len(content))} if method == "POST" else {}), **(headers or {})}
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(content or None)
        answer = connection.getresponse()
        found = Answered(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        connection.close()
        return found

    def post(self, path: str, body: object, **headers: str) -> Answered:
        """Send what a script of the server's own page sends."""
        own = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
        return self.ask(path, "POST", {**own, **headers}, body)


@contextmanager
def listening(*arguments: str | Path) -> Iterator[Server]:
    """Run `escuta listen`, without a browser, until Ctrl-C ends it."""
    process = start_escuta("listen", *arguments, "--no-browser")
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("Listen:"), line + process.stdout.read()
        assert process.stdout.readline() == "Ctrl-C ends it.\n"
        yield Server(line.split()[1])
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[0]
    assert (process.returncode, rest) == (0, "")

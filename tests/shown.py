"""Runs for the page to show: what training, speaking and scoring would have written."""

import json
from collections.abc import Mapping
from pathlib import Path

import soundfile

from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from sounds import speechlike

TEXTS = ("Seven old sailors watch the harbour.", "O pão está fresquinho.")
WEIGHTS = "3fa2b1c94e0d" + "0" * 52


def begin_run(folder: Path, **facts: object) -> RunFolder:
    """A run that was just begun."""
    run = RunFolder(folder)
    run.samples.mkdir(parents=True)
    run.checkpoints.mkdir()
    write_facts(run, **facts)  # type: ignore[arg-type]
    return run


def write_facts(
    run: RunFolder, *, texts: tuple[str, ...] = TEXTS, base: str = "XTTS-v2", kind: str = "xtts-v2"
) -> None:
    run.write_facts(
        {
            "escuta": "0.1.0",
            "started": "2026-01-02 03:04:05 +0000",
            "language": "pt",
            "base": {"title": base, "kind": kind, "folder": "/models/base", "fingerprint": "f00"},
            "dataset": {"clips": 57, "held_out": ["audio_00003"], "minutes": 8.23, "fingerprint": "f01"},
            "sentences": [{"text": text, "source": "audio_00003"} for text in texts],
            "reference": "/data/wavs/audio_00042.flac",
        }
    )


def start(run: RunFolder, *, epoch: int = 0, device: str = "cuda:0") -> None:
    EventLog(run.events).write("start", {"epoch": epoch, "step": 10 * epoch, "device": device})


def end_epoch(
    run: RunFolder, epoch: int, val_loss: float, train_loss: float | None = None, *, improved: bool = False
) -> None:
    """Note an epoch and, but for the base model, write its checkpoint."""
    log = EventLog(run.events)
    place = {"epoch": epoch, "step": 10 * epoch}
    log.write("epoch", {**place, "train_loss": train_loss, "val_loss": val_loss, "improved": improved, "seconds": 9.0})
    if epoch:
        file = run.epoch_checkpoint(epoch)
        file.touch()
        log.write("checkpoint", {"file": file.name, **place, "best": improved, "stall_seconds": 0.5})


def ask(run: RunFolder, name: str, step: int) -> None:
    EventLog(run.events).write("sample_asked", {"name": name, "epoch": 1, "step": step, "stall_seconds": 0.25})


def note_sample(run: RunFolder, name: str, step: int, status: str, reason: str = "") -> None:
    result = {"name": name, "epoch": 1, "step": step, "status": status, "mode": "background", "reason": reason}
    EventLog(run.events).write("sample", {**result, "seconds": 7.5, "files": [], "best": False})


def speak(
    run: RunFolder,
    name: str,
    step: int,
    *,
    texts: tuple[str, ...] = TEXTS,
    stop: str = "ended",
    seconds: float = 0.5,
    seeds: tuple[int, ...] = (0,),
) -> Path:
    """Write the files of a sample, each sentence longer than the one before; return its JSON."""
    sentences = []
    for seed in seeds:
        for number, text in enumerate(texts, 1):
            file = f"{name}_output" + ("" if number == 1 else f"_{number:02d}")
            file += ".wav" if seed == seeds[0] else f"_seed_{seed}.wav"
            sound = speechlike(seconds * number, seed=step + number + seed)
            soundfile.write(run.samples / file, sound, 22050, subtype="PCM_16")
            about = {"file": file, "text": text, "seed": seed, "audio_seconds": seconds * number, "stop": stop}
            sentences.append({**about, "num_codes": 11, "num_pieces": 1})
    reference = f"{name}_reference.wav"
    soundfile.write(run.samples / reference, speechlike(1.5), 22050, subtype="PCM_16")
    record = run.samples / f"{name}.json"
    about = {"name": name, "epoch": 1, "step": step, "weights": WEIGHTS, "reference": reference, "scores": {}}
    record.write_text(json.dumps({**about, "sentences": sentences}), encoding="utf-8")
    note_sample(run, name, step, "spoken")
    return record


def score(
    run: RunFolder,
    name: str,
    scores: Mapping[str, float],
    *,
    heard: str | None = None,
    missing: Mapping[str, str] | None = None,
) -> None:
    """Write what every file of a sample scored, seeds a hundredth apart; `held_out` is the real clips."""
    sample = run.samples / f"{name}.json"
    spoken = json.loads(sample.read_text())["sentences"] if sample.exists() else [{"file": "a.wav", "text": "Real."}]
    files = [
        {
            "file": said["file"],
            "text": said["text"],
            "seed": said.get("seed", 0),
            "heard": heard,
            "scores": {key: value + 0.01 * said.get("seed", 0) for key, value in scores.items()},
        }
        for said in spoken
    ]
    place = {} if name == "held_out" else {"name": name, "epoch": 1, "step": json.loads(sample.read_text())["step"]}
    content = {"format": 1, **place, "scorers": {"naturalness": "DistillMOS 0.9.1"}, "missing": missing or {}}
    (run.samples / f"{name}.scores.json").write_text(json.dumps({**content, "files": files, "mean": scores}))

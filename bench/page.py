"""How soon the page is there, how soon a click is heard, and how large the page and its export are.

    python -m bench.page [--rounds 5]

Needs Chromium. The page of a long run (1,000 epochs, 8 sentences) is opened as a file; a run of 20 epochs with 4
sentences of 7 s is exported. The speech is the bundled voice's. Writes `bench/results/page.json`.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.machine import machine
from escuta.audio.files import read_audio, write_wav
from escuta.data.demo import DEMO_VOICE
from escuta.report.export import export_page
from escuta.report.page import write_report
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from escuta.run.publish import publish_text

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "bench" / "results" / "page.json"
SAMPLE_RATE = 22_050
LONG = (1000, 8, 2.0)
"""Epochs, sentences, seconds of each."""
SENT = (20, 4, 7.0)
SHOWN = "performance.getEntriesByName('escuta-shown')[0].startTime"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and keep what was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description="Measure the page.")
    parser.add_argument("--rounds", type=int, default=5, help="how often the page is opened: %(default)s")
    rounds = parser.parse_args(arguments).rounds
    with tempfile.TemporaryDirectory() as folder:
        result = {"machine": machine(1), **measure(Path(folder), rounds)}
    publish_text(RESULT, json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    return 0


def measure(folder: Path, rounds: int, long: tuple[int, int, float] = LONG) -> dict[str, Any]:
    """Measure both pages in `folder`, opening the long one `rounds` times."""
    run = make_run(folder / "long", *long)
    write_report(run)  # draws the pictures
    started = time.perf_counter()
    write_report(run)
    report_seconds = time.perf_counter() - started
    opened = [_open(folder / f"profile-{number}", run.report) for number in range(rounds)]
    clicks = [click for one in opened for click in one["clicks"]]
    offsets = [abs(offset) for one in opened for offset in one["offsets"]]
    return {
        "epochs": long[0],
        "sentences": long[1],
        "first_render_seconds": round(median(one["seconds"] for one in opened), 3),
        "first_render_seconds_all": [round(one["seconds"], 3) for one in opened],
        "click_to_sound_ms": round(median(clicks), 1),
        "click_to_sound_ms_all": [round(click, 1) for click in clicks],
        "a_b_apart_ms": round(1000 * median(offsets), 1),
        "a_b_apart_ms_all": [round(1000 * offset, 1) for offset in offsets],
        "report_mb": round(run.report.stat().st_size / 1e6, 2),
        "report_again_seconds": round(report_seconds, 2),
        "export_mb": round(export_page([make_run(folder / "sent", *SENT)], folder / "sent.html") / 1e6, 2),
    }


def make_run(folder: Path, epochs: int, num_sentences: int, seconds: float) -> RunFolder:
    """Write a run that has spoken and was scored; an epoch's sounds are hard links to those of the epoch before."""
    run = RunFolder(folder)
    run.samples.mkdir(parents=True)
    texts = [f"This is sentence number {number}, spoken by every checkpoint." for number in range(num_sentences)]
    run.write_facts(
        {
            "escuta": "bench",
            "language": "en",
            "base": {"title": "XTTS-v2", "kind": "xtts-v2"},
            "dataset": {"clips": 100, "minutes": 10.0},
            "sentences": [{"text": text} for text in texts],
            "reference": "voice.wav",
        }
    )
    speech = _speech(num_sentences, seconds)
    log = EventLog(run.events)
    log.write("start", {"epoch": 0, "step": 0, "device": "cpu"})
    for epoch in range(epochs + 1):
        place = {"epoch": epoch, "step": 30 * epoch}
        losses = {"train_loss": 2 + 3 / (epoch + 1), "val_loss": 2.5 + 3 / (epoch + 1), "improved": epoch > 0}
        log.write("epoch", {**place, **losses})
        _speak(run, f"epoch_{epoch}", place, texts, speech)
    return run


def _speech(num_sentences: int, seconds: float) -> list[Any]:
    clips = sorted((DEMO_VOICE / "wavs").iterdir())
    joined_T = np.concatenate([read_audio(clip, SAMPLE_RATE) for clip in clips])
    return np.array_split(joined_T[: round(num_sentences * seconds * SAMPLE_RATE)], num_sentences)


def _speak(run: RunFolder, name: str, place: dict[str, int], texts: Sequence[str], speech: Sequence[Any]) -> None:
    sentences, scores = [], []
    for number, (text, wav_T) in enumerate(zip(texts, speech, strict=True), 1):
        file = f"{name}_output_{number:02d}.wav"
        first = run.samples / f"epoch_0_output_{number:02d}.wav"
        if first.exists():
            os.link(first, run.samples / file)
        else:
            write_wav(first, wav_T, SAMPLE_RATE, SAMPLE_RATE)
        about = {"file": file, "text": text, "seed": 0}
        sentences.append({**about, "audio_seconds": len(wav_T) / SAMPLE_RATE, "stop": "ended"})
        measured = {"character_error_rate": 0.05, "speaker_similarity": 0.81, "naturalness": 3.9, "loudness": -21.4}
        scores.append({**about, "heard": text.replace("spoken", "spoke in"), "scores": measured})
    reference = f"{name}_reference.wav"
    os.link(run.samples / "epoch_0_output_01.wav", run.samples / reference)
    sample = {"name": name, **place, "weights": "0" * 64, "reference": reference, "sentences": sentences}
    (run.samples / f"{name}.json").write_text(json.dumps(sample), encoding="utf-8")
    record = {"format": 1, "name": name, **place, "scorers": {}, "missing": {}, "files": scores, "mean": {}}
    (run.samples / f"{name}.scores.json").write_text(json.dumps(record), encoding="utf-8")


def _open(profile: Path, report: Path) -> dict[str, Any]:
    """Open a page in a browser that was never there, click on what is in sight, and change between A and B."""
    sys.path.insert(0, str(ROOT / "tests"))
    browser = importlib.import_module("browser")
    with browser.browse(profile) as page:
        page.open(report)
        seconds = max(page.evaluate(SHOWN), page.until(PAINTED)) / 1000
        for number in range(4):
            page.evaluate(f"document.querySelectorAll('.strip .sample')[{number}].click()")
            page.until("escuta.deck.isPlaying() && escuta.deck.position() > 0.6")
        for key in "12":
            page.press(key)
            page.until("new Promise((go) => setTimeout(() => go(true), 300))")
        return {
            "seconds": seconds,
            **{
                key: page.evaluate(f"escuta.deck.measured().{found}")
                for key, found in (("clicks", "delays"), ("offsets", "offsets"))
            },
        }


if __name__ == "__main__":
    sys.exit(main())

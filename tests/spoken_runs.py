"""A run whose samples are spoken and not scored: recordings of a human voice in place of a model's."""

import json
import shutil
from pathlib import Path

from escuta.data.demo import DEMO_VOICE
from escuta.data.inventory import Entry, Inventory
from escuta.run.folder import RunFolder
from escuta.settings import ScoreSettings, Settings, settings_toml


def make_spoken_run(folder: Path, takes, *, whisper: Path | str = "base", epochs: int = 1) -> RunFolder:
    """A run with two sentences a sample, learned from five clips, with two held out."""
    run = RunFolder(folder)
    run.samples.mkdir(parents=True)
    run.settings.write_text(settings_toml(Settings(language="en", scores=ScoreSettings(recogniser=str(whisper)))))
    run.write_facts(
        {"language": "en", "dataset": {"folder": str(DEMO_VOICE)}, "reference": str(takes[9].audio), "sentences": []}
    )
    entries = [
        Entry(take.audio.stem, take.text, "0" * 64, held_out=number < 2) for number, take in enumerate(takes[:7])
    ]
    run.clips.write_text(Inventory((*entries[2:], *entries[:2])).to_json())
    for epoch in range(epochs + 1):
        make_sample(run, f"epoch_{epoch}", takes[10:12], epoch=epoch)
    return run


def make_sample(run: RunFolder, name: str, takes, *, epoch: int) -> None:
    """The files of one sample, in which clips are what was said."""
    sentences = []
    for number, take in enumerate(takes, 1):
        file = run.samples / f"{name}_output_{number:02d}.flac"
        shutil.copyfile(take.audio, file)
        sentences.append({"file": file.name, "text": take.text, "seed": 7, "stop": "ended"})
    about = {"name": name, "epoch": epoch, "step": 4 * epoch, "weights": "abc", "seed": 7, "sentences": sentences}
    (run.samples / f"{name}.json").write_text(json.dumps(about))

"""How well nano speaks, and how near a short fine-tuning brings it to a voice: the figures of its card.

    python -m bench.nano [--only spoken,fine_tuned,decoder_frozen] [--base nano] [--run FOLDER] [--recogniser base]

The sentences are those of `recipes/nano/held_out`, which nobody trained on. Whisper listens, Resemblyzer's encoder
tells voices apart, DistillMOS judges how natural it sounds: what they need is fetched by `escuta score --get`. Each
section goes to `bench/results/nano.json`, to `docs/benchmarks.md` and to nano's CARD.md as it ends.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from bench.apart import Measurement
from bench.export_parity import ROOT
from bench.machine import machine
from bench.nano_table import figures, nano_tables
from bench.pages import PAGES as DOCS_PAGES
from bench.pages import Pages, put
from escuta.cli.demo import DECODER, EPOCHS, LEARNING
from escuta.data.demo import DEMO_VOICES
from escuta.models.base import Generation, Reference, Spoken, VoiceModel
from escuta.models.bases import NANO, find_base
from escuta.models.load import load_model
from escuta.models.precision import precision_for
from escuta.report.epoch_table import read_rows
from escuta.report.history import read_history
from escuta.run.checkpoints import read_weights
from escuta.run.folder import RunFolder
from escuta.sampling.speaking import read_reference
from escuta.scoring.clips import read_clips
from escuta.scoring.instruments import Instruments, gather
from escuta.scoring.measure import measure
from escuta.scoring.profile import Profile
from escuta.scoring.recording import Recording
from escuta.scoring.voice import VoiceEncoder, similarity
from escuta.settings import ScoreSettings

PAGES = Pages("nano", nano_tables, ROOT / "bench" / "results", ROOT / "docs")
CARD = NANO / "CARD.md"
HELD_OUT = ROOT / "recipes" / "nano" / "held_out"
LANGUAGES = ("en", "pt")
NEEDED = ("character_error_rate", "speaker_similarity", "naturalness")
SEED = 0


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, with what."""

    base: str
    run: RunFolder
    """Of the demo; it is trained where there is none, and beside it the one whose decoder stays as it is."""
    sentences: Mapping[str, Sequence[str]]
    """By language."""
    instruments: Instruments
    settings: Sequence[str] = ()
    """Of the demo, as NAME=VALUE."""


def spoken(bench: Bench) -> Measurement:
    """What the base says in a voice that it learned from; scores come last, speaking is slower in their wake."""
    base = find_base(bench.base)
    model = _model(base.folder)
    voices = {language: voice for language in LANGUAGES if (voice := base.voice(language))}
    if missing := [f"voices/{language}.flac" for language in LANGUAGES if language not in voices]:
        raise SystemExit(f"{base.folder}: has no {' and no '.join(missing)}; expected voices that it learned from.")
    said = {language: _say(bench, model, language, read_reference(model, voices[language])) for language in LANGUAGES}
    encoder = bench.instruments.voice_encoder
    return {
        language: _measured(bench, language, said[language], _voices(encoder, [voices[language]]))
        for language in LANGUAGES
    }


def fine_tuned(bench: Bench) -> Measurement:
    """What the base and the demo's best checkpoint say in the demo's voice, held against its held-out clips."""
    seconds = _train(bench, bench.run, ["demo"])
    voices = _voices_of(bench, bench.run)
    epochs = {
        str(epoch): {"val_loss": row.val_loss, "similarity": row.similarity, "stall_seconds": row.stall_seconds}
        for epoch, row in sorted(read_rows(bench.run).items())
    }
    return {
        "epoch_0": _said(bench, bench.run, None),
        "best": _said(bench, bench.run, best := _best(bench.run)),
        "ceiling": _ceiling(voices),
        "seconds": round(seconds, 1),
        "checkpoint": best.name,
        "epochs": epochs,
    }


def decoder_frozen(bench: Bench) -> Measurement:
    """What the same fine-tuning comes to where the decoder stays the base's."""
    run, voice = RunFolder(bench.run.path.with_name(f"{bench.run.path.name}-decoder-frozen")), DEMO_VOICES["allison"]
    as_in_the_demo = {"training.epochs": EPOCHS, **LEARNING["nano"]}
    given = [word for name, value in as_in_the_demo.items() if name != DECODER for word in ("--set", f"{name}={value}")]
    seconds = _train(bench, run, ["train", str(voice.folder), "--language", voice.language, *given])
    return {"best": _said(bench, run, _best(run)), "seconds": round(seconds, 1), "checkpoint": _best(run).name}


def _train(bench: Bench, run: RunFolder, command: Sequence[str]) -> float:
    """Train where there is no run yet; how many seconds that took, now or then."""
    if run.exists():
        return sum(start.seconds for start in read_history(run.events).starts)
    settings = [word for one in bench.settings for word in ("--set", one)]
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "escuta", *command, "--base", bench.base, "--out", str(run.path), *settings], check=True
    )
    return time.perf_counter() - started


def _best(run: RunFolder) -> Path:
    return next(path for path in (run.best_by_score, run.best_checkpoint) if path.exists())


def _said(bench: Bench, run: RunFolder, checkpoint: Path | None) -> list[dict[str, Any]]:
    """What a checkpoint of a run, or its base, says in the voice that it learned."""
    facts = run.read_facts()
    model = _model(run.base_folder())
    reference = read_reference(model, Path(facts["reference"]))
    if checkpoint:
        model.load_trained(read_weights(checkpoint), str(checkpoint))
        model.pack(precision_for("auto", "cpu"))
    said = _say(bench, model, facts["language"], reference)
    return _measured(bench, facts["language"], said, _voices_of(bench, run))


def _voices_of(bench: Bench, run: RunFolder) -> list[Tensor]:
    return _voices(bench.instruments.voice_encoder, [take.audio for take in read_clips(run).held_out])


SECTIONS: Mapping[str, Callable[[Bench], Measurement]] = {
    "spoken": spoken,
    "fine_tuned": fine_tuned,
    "decoder_frozen": decoder_frozen,
}


def main() -> None:
    """Measure, and write figures and pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas between")
    parser.add_argument("--base", default="nano", help="as --base of escuta")
    parser.add_argument(
        "--run", type=Path, help="of the demo; trained there where it is missing, elsewhere if not given"
    )
    parser.add_argument("--recogniser", default="base", help="as scores.recogniser")
    parser.add_argument("--sentences", type=int, help="of each language; all when not given")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    instruments = gather(ScoreSettings(recogniser=chosen.recogniser), "en", chosen.threads)
    instruments.pitch_meter = None
    if missing := [f"{name}: {instruments.missing[name]}" for name in NEEDED if name in instruments.missing]:
        raise SystemExit("\n".join(missing))
    sentences = {language: held_out(language)[: chosen.sentences] for language in LANGUAGES}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(chosen.base, RunFolder(chosen.run or Path(folder) / "run"), sentences, instruments)
        for name in chosen.only.split(","):
            facts = {**machine(chosen.threads), "scorers": {score: instruments.titles[score] for score in NEEDED}}
            publish({**PAGES.sections(), name: {"machine": facts, **SECTIONS[name](bench)}})


def publish(sections: Mapping[str, Any]) -> None:
    """Write figures, pages, and the card where there is one."""
    result = {**figures(sections), "sections": sections}
    PAGES.write(result)
    if CARD.is_file():
        put(CARD, PAGES.name, nano_tables(result, DOCS_PAGES[0]))


def held_out(language: str) -> list[str]:
    """Sentences that nobody trained on."""
    return (HELD_OUT / f"{language}.txt").read_text(encoding="utf-8").splitlines()


def _model(folder: Path) -> VoiceModel:
    """A model that speaks as `escuta say` has it speak."""
    model = load_model(folder, uses=["speaking"])
    model.pack(precision_for("auto", "cpu"))
    return model


def _say(bench: Bench, model: VoiceModel, language: str, reference: Reference) -> list[tuple[str, Spoken, float]]:
    """Say all sentences, one at a time: each with what was said, and how many seconds that took."""
    said = []
    for text in bench.sentences[language]:
        started = time.perf_counter()
        spoken = model.speak(text, reference, language=language, generation=Generation(), seed=SEED)
        said.append((text, spoken, time.perf_counter() - started))
    return said


def _measured(
    bench: Bench, language: str, said: Sequence[tuple[str, Spoken, float]], voices: Sequence[Tensor]
) -> list[dict[str, Any]]:
    """What was heard of each sentence."""
    encoder, rows = bench.instruments.voice_encoder, []
    for text, spoken, seconds in said:
        recording = Recording(spoken.wav_T.numpy(), spoken.sample_rate)
        measured = measure(recording, text, language, instruments=bench.instruments, profile=Profile())
        scores = {name: value for name, value in measured.scores.items() if name in NEEDED}
        if encoder and (voice_D := encoder.embed(recording.at_16k_T)) is not None:
            scores["speaker_similarity"] = round(mean(similarity(voice_D, other_D) for other_D in voices), 4)
        rows.append(
            {
                "text": text,
                "heard": measured.heard,
                "seconds": round(seconds, 3),
                "audio_seconds": round(recording.seconds, 3),
                "stop": spoken.stop,
                "scores": scores,
            }
        )
    return rows


def _voices(encoder: VoiceEncoder | None, clips: Sequence[Path]) -> list[Tensor]:
    """How recordings embed."""
    if encoder is None:
        return []
    embedded = [encoder.embed(Recording.read(clip).at_16k_T) for clip in clips]
    return [voice_D for voice_D in embedded if voice_D is not None]


def _ceiling(voices: Sequence[Tensor]) -> float | None:
    """How alike real clips are to each other."""
    pairs = [similarity(one, other) for place, one in enumerate(voices) for other in voices[:place]]
    return round(mean(pairs), 4) if pairs else None


if __name__ == "__main__":
    main()

"""Whether scores know the best checkpoint, and what they cost.

    python -m bench.scores [--base nano] [--run FOLDER] [--only ladder,overfit,speed] [--work FOLDER]

`ladder`: a fine-tuned checkpoint with growing noise in its weights; the rule has to order the rungs and pick the clean
one. `overfit`: far too long a training on five clips; the epoch that the rule chooses by half of the sentences must
make no more errors in the other half than the best one there, up to noise. `speed`: scoring samples of 7 s.

Each section writes what it measured to `bench/results/scores.json` as it ends, beside what was measured before. What is
trained, spoken and scored lies in the work folder, and is not made again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench import ladder
from bench.apart import Measurement
from bench.export_parity import ROOT
from bench.machine import machine
from escuta.audio.files import read_audio, write_wav
from escuta.cli.options import flags
from escuta.data.demo import DEMO_VOICES
from escuta.run.checkpoints import list_checkpoints
from escuta.run.folder import RunFolder
from escuta.scoring.best import BASE
from escuta.scoring.instruments import gather
from escuta.scoring.rule import Yardstick, choose
from escuta.scoring.scored import Scored
from escuta.scoring.spread import difference, is_better, spread_of
from escuta.settings import ScoreSettings, load_settings

RESULTS = ROOT / "bench" / "results" / "scores.json"
SENTENCES = ROOT / "bench" / "sentences_en.txt"
"""40 of them, in none of the clips."""
VOICE = DEMO_VOICES["allison"]
FEW_CLIPS = 5
SPEED_SECONDS = 7.0
SPEED_SAMPLES = 4
SPEED_RATE = 22_050


@dataclass(frozen=True)
class Bench:
    """What is measured, with what."""

    base: str
    work: Path
    run: RunFolder | None = None
    """A training whose best checkpoint is the clean one; None trains one."""
    sentences: Path = SENTENCES
    epochs: int = 8
    """Of the training that makes the clean checkpoint."""
    long_epochs: int = 60
    """Of the training that is far too long."""
    num_rungs: int = 12
    """Checkpoints of that one."""
    learning_rate: float = 1e-4
    sigmas: tuple[float, ...] = ladder.SIGMAS
    """Of the noise of each rung."""
    settings: tuple[str, ...] = ()
    """More of them, as `escuta train --set` takes them."""

    @property
    def scores(self) -> ScoreSettings:
        """How samples are judged."""
        return load_settings(None, flags({}, list(self.settings)), environment={}).scores

    def train(self, name: str, epochs: int, *more: str) -> RunFolder:
        """Train on the bundled voice, where that was not done yet; nothing is spoken."""
        run = RunFolder(self.work / name)
        if not run.best_checkpoint.exists():
            asked = ("--base", self.base, "--language", VOICE.language, "--mode", "off", "--epochs", str(epochs))
            settings = (
                f"training.learning_rate={self.learning_rate}",
                "sampling.precision=exact",
                *self.settings,
                *more,
            )
            chosen = [word for setting in settings for word in ("--set", setting)]
            escuta("train", VOICE.folder, "--out", run.path, *asked, "--sentences", self.sentences, *chosen)
        return run


def escuta(*arguments: str | Path) -> None:
    """Run a command to its end.

    Raises:
        subprocess.CalledProcessError: It failed; it has told why.
    """
    subprocess.run([sys.executable, "-m", "escuta", *map(str, arguments)], check=True)


def measure_ladder(bench: Bench) -> Measurement:
    """Have the rungs spoken and scored, and let the rule order them."""
    tuned = bench.run or bench.train("tuned", bench.epochs)
    run = RunFolder(bench.work / "ladder")
    if not run.checkpoints.exists():
        ladder.build(run, tuned, bench.sigmas)
    if (there := tuple(ladder.rungs_of(run).values())) != bench.sigmas:
        raise SystemExit(f"{run.path}: its rungs are {there}; expected {bench.sigmas}. Give another --work.")
    escuta("sample", run.path, "--all")
    escuta("score", run.path)
    return ladder.judge(run)


def measure_overfit(bench: Bench) -> Measurement:
    """Train far too long, let the rule choose by half of the sentences, and compare by the others."""
    every = f"training.save_every_n_epochs={max(1, bench.long_epochs // bench.num_rungs)}"
    clips = f"data.max_clips={FEW_CLIPS}"
    run = bench.train("overfit", bench.long_epochs, every, clips, f"training.keep_last={bench.long_epochs}")
    escuta("sample", run.path, "--all")
    escuta("score", run.path)
    names = [path.stem.removeprefix("checkpoint_") for path in list_checkpoints(run)]
    return judge_overfit([ladder.scored_of(run, name) for name in names], ladder.scored_of(run, BASE))


def judge_overfit(checkpoints: list[Scored], base: Scored) -> Measurement:
    """Whether what the rule chooses by half of the sentences makes, in the others, as few errors as the best there.

    Raises:
        ValueError: Somebody's errors were not counted.
    """
    score = "character_error_rate"
    if unheard := [one.name for one in (*checkpoints, base) if not one.scores.get(score)]:
        raise ValueError(f"{', '.join(unheard)}: no character error rate; score them with a recogniser")
    texts = sorted({text for values in base.scores.values() for text in values})
    by_half = [{one.name: part(one, set(texts[half::2])) for one in (*checkpoints, base)} for half in (0, 1)]
    spreads = [spread_of(scored.values()) for scored in by_half]
    seen, others = ([scored[one.name] for one in checkpoints] for scored in by_half)
    choice = choose(seen, Yardstick(by_half[0][base.name], spreads[0]))
    chosen = by_half[1][choice.best.name]
    best = min(others, key=lambda one: one.mean(score) or 0.0)
    apart = difference(score, chosen, best, spreads[1])
    return {
        "chosen": choice.best.name,
        "reason": choice.reason,
        "best": best.name,
        "difference": apart._asdict() if apart else None,
        "within_noise": not is_better(score, best, chosen, spreads[1]),
        "held_out_character_error_rate": {one.name: one.mean(score) for one in others},
    }


def part(one: Scored, texts: set[str]) -> Scored:
    """The same checkpoint, of these sentences alone."""
    scores = {name: {text: of_text for text, of_text in v.items() if text in texts} for name, v in one.scores.items()}
    return replace(one, scores=scores)


def measure_speed(bench: Bench) -> Measurement:
    """Score samples of 7 s, with everything loaded as in a process that has scored before."""
    from escuta.scoring.audio_folder import find_takes, score_folder
    from escuta.terminal import Terminal

    instruments = gather(bench.scores, VOICE.language, machine(0)["cores"])
    with tempfile.TemporaryDirectory(dir=bench.work) as folder:
        texts = _write_speech(Path(folder))
        takes = find_takes(Path(folder), texts)
        seconds = []
        for _round in range(3):  # the first one loads
            started = time.perf_counter()
            sheet = score_folder(takes, VOICE.language, instruments, Terminal(), reference=takes[0].audio)
            seconds.append(time.perf_counter() - started)
    return {
        "audio_seconds": sheet.audio_seconds,
        "seconds": seconds,
        "missing": sheet.missing,
        "real_time_factor": min(seconds[1:]) / sheet.audio_seconds,
    }


def _write_speech(folder: Path) -> Path:
    """Write recordings of 7 s, cut from one clip after another, and the texts of those clips."""
    clips = sorted(VOICE.folder.glob("wavs/*.flac"))
    lines = (VOICE.folder / "metadata.csv").read_text(encoding="utf-8").splitlines()
    num_frames = int(SPEED_SECONDS * SPEED_RATE)
    wav_T = np.concatenate([read_audio(clip, SPEED_RATE) for clip in clips])
    for number in range(SPEED_SAMPLES):
        cut_T = wav_T[number * num_frames : (number + 1) * num_frames]
        write_wav(folder / f"{number}.wav", cut_T, SPEED_RATE, source_rate=SPEED_RATE)
    texts = folder / "texts.txt"
    said = (line.rpartition("|")[2] for line in lines)
    texts.write_text("".join(f"{number}|{next(said)}\n" for number in range(SPEED_SAMPLES)), encoding="utf-8")
    return texts


SECTIONS: Mapping[str, Callable[[Bench], Measurement]] = {
    "ladder": measure_ladder,
    "overfit": measure_overfit,
    "speed": measure_speed,
}


def write(results: Path, section: str, measured: Measurement) -> None:
    """Write down what was measured, and the figures that follow, beside what was measured before."""
    content = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    sections = {**content.get("sections", {}), section: measured}
    figures = {
        "ladder_tau": sections.get("ladder", {}).get("tau"),
        "overfit_choice_within_noise": sections.get("overfit", {}).get("within_noise"),
        "score_real_time_factor": sections.get("speed", {}).get("real_time_factor"),
    }
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps({**figures, "sections": sections}, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser("python -m bench.scores", description=__doc__.partition("\n")[0])
    parser.add_argument("--base", default="nano", help="the model that is fine-tuned")
    parser.add_argument("--run", type=Path, help="a training whose best checkpoint is the clean rung")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas between them")
    parser.add_argument("--work", type=Path, default=ROOT / "bench" / "work" / "scores", help="kept between calls")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--sentences", type=Path, default=SENTENCES)
    parser.add_argument("--epochs", type=int, default=Bench.epochs)
    parser.add_argument("--long-epochs", type=int, default=Bench.long_epochs)
    parser.add_argument("--sigmas", default=",".join(map(str, ladder.SIGMAS)), help="of the rungs, with commas between")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="NAME=VALUE")
    asked = parser.parse_args()
    bench = Bench(
        base=asked.base,
        work=asked.work,
        run=RunFolder(asked.run) if asked.run else None,
        sentences=asked.sentences.resolve(),
        epochs=asked.epochs,
        long_epochs=asked.long_epochs,
        sigmas=tuple(map(float, asked.sigmas.split(","))),
        settings=tuple(asked.settings),
    )
    if missing := gather(bench.scores, VOICE.language, 1).missing:
        parser.error("; ".join(f"{name}: {reason}" for name, reason in missing.items()))
    bench.work.mkdir(parents=True, exist_ok=True)
    for section in asked.only.split(","):
        measured = {"machine": machine(machine(0)["cores"]), "base": asked.base, **SECTIONS[section](bench)}
        write(asked.results, section, measured)
        print(json.dumps({section: measured}, indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How long a step of training takes and how much memory, beside coqui-tts's own trainer, in one run on one machine.

    python -m bench.training [--only step,modes,features] [--peer-python .venv-peer/bin/python] [--layers 30]

Both learn from two clips of 7 s with a model of the release's size, with the same number of threads, in turns; the one
that waits keeps its memory: 20 GB for both. Each section goes to `bench/results/training.json` and to
`docs/benchmarks.md` as it ends.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import soundfile
import torch

from bench import curves
from bench.apart import Measurement, apart, end_on_sigterm
from bench.export_parity import ROOT, recording
from bench.machine import machine, memory, peer_versions
from bench.models import LANGUAGE, SENTENCES, made_up_clip
from bench.pages import Pages
from bench.stepping import BATCH_SIZE
from bench.training_table import speedups, training_tables
from escuta.data.batches import BatchLimits, epoch_batches
from escuta.models.load import batch_bytes, load_model, trained_bytes
from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.newborn import make_newborn, newborn_tensors
from escuta.models.xtts.weights import load_weights, save_base
from escuta.settings import TrainingSettings
from escuta.text.vocabulary import character_vocabulary
from escuta.training.footprint import Counts, footprint
from escuta.training.learner import Learner, learning_of

PAGES = Pages("training", training_tables, ROOT / "bench" / "results", ROOT / "docs")
CLIP_SECONDS = 7.0
MODES: Mapping[str, dict[str, Any]] = {
    "fp32": {"precision": "fp32"},
    "bf16": {"precision": "bf16", "optimizer": "adamw"},
    "bf16, moments too": {"precision": "bf16", "optimizer": "adamw_bf16"},
    "LoRA 16": {"precision": "bf16", "lora_rank": 16},
    "bf16, moments too, decoder": {"precision": "bf16", "optimizer": "adamw_bf16", "decoder_learning_rate": 1e-4},
}
EPOCH_CLIPS = (100, 1_000, 10_000)


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, with what."""

    base: Path
    small: Path
    voice: Path
    peer_python: Path
    threads: int
    rounds: int
    layers: int
    epoch_clips: Sequence[int] = EPOCH_CLIPS

    def ours(self, settings: Mapping[str, Any]) -> list[str]:
        """Starts our half."""
        return [
            sys.executable,
            "-m",
            "bench.stepping",
            str(self.base),
            *self._options,
            "--settings",
            json.dumps(settings),
        ]

    @property
    def peer(self) -> list[str]:
        """Starts the peer's half."""
        script = ROOT / "bench" / "peer" / "training.py"
        return [str(self.peer_python), str(script), str(self.voice), *self._options, "--layers", str(self.layers)]

    @property
    def _options(self) -> list[str]:
        return ["--seconds", str(CLIP_SECONDS), "--threads", str(self.threads)]


class Half:
    """One of the two, in a process of its own.

    Args:
        command: Takes a step for each line on standard input, and answers with a line of JSON.
        threads: CPU threads it may use.
    """

    def __init__(self, command: Sequence[str], threads: int) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        )

    def __enter__(self) -> "Half":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def step(self, asked: str = "") -> dict[str, Any]:
        """Take a step, or do what else is asked for in one line.

        Raises:
            RuntimeError: It ended instead.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{asked}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a half ended before it had answered; its last words are above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def step(bench: Bench) -> Measurement:
    """Steps of both in turns; the first of each is for warming up."""
    runs: Measurement = {"escuta": [], "coqui": []}
    with Half(bench.ours({}), bench.threads) as ours, Half(bench.peer, bench.threads) as peer:
        for turn in range(bench.rounds + 1):
            for name, half in (("escuta", ours), ("coqui", peer)):
                answer = half.step()
                if turn:
                    runs[name].append(answer)
    return runs


def modes(bench: Bench) -> Measurement:
    """Time and memory of our own ways to learn, one after another, beside the memory told; the second step counts."""
    found: Measurement = {}
    for name, settings in MODES.items():
        with Half(bench.ours(settings), bench.threads) as ours:
            ours.step()
            found[name] = {**ours.step(), "told_bytes": told_bytes(bench.base, settings)}
    return found


def told_bytes(base: Path, settings: Mapping[str, Any]) -> int:
    """What `escuta train --dry-run` says that such a step takes."""
    chosen = TrainingSettings(**settings)
    learning = learning_of(chosen)
    activations = batch_bytes(base, BATCH_SIZE, CLIP_SECONDS, 2 if chosen.precision == "bf16" else 4, learning)
    weights = trained_bytes(base, learning) // 4
    counts = Counts(weights=weights, matrices=weights, learning=0 if chosen.lora_rank else weights)
    return footprint(counts, chosen, "bf16" if chosen.precision == "bf16" else "fp32", activations).bytes


def features(bench: Bench) -> Measurement:
    """What is computed of a clip once, so that no step has to."""
    return apart(_features, bench.base, bench.threads, bench.rounds)


def _features(base: Path, threads: int, rounds: int) -> Measurement:
    torch.set_num_threads(threads)
    model = load_model(base, uses=["features"])
    wav_T = torch.randn(int(CLIP_SECONDS * model.input_sample_rate), generator=torch.Generator().manual_seed(0)) / 10
    clip_seconds = []
    for _round in range(rounds + 1):
        started = time.perf_counter()
        model.features(wav_T, SENTENCES[0], LANGUAGE)
        clip_seconds.append(time.perf_counter() - started)
    return {"clip_seconds": clip_seconds[1:]}


def scaling(bench: Bench) -> Measurement:
    """An epoch of more and more clips, with a small model and features that nobody recorded."""
    return {str(count): apart(_epoch, bench.small, count, bench.threads) for count in bench.epoch_clips}


def _epoch(base: Path, num_clips: int, threads: int) -> Measurement:
    torch.set_num_threads(threads)
    model = load_model(base, uses=["training"])
    learner = Learner(model, TrainingSettings(device="cpu"), seed=0)
    config = load_weights(base, ["mel_stats"]).config
    draw = torch.Generator().manual_seed(0)
    learner.step([model.collate([made_up_clip(config, 1.0)], draw)])
    before, started = memory()["peak_bytes"], time.perf_counter()
    for batch in epoch_batches([1.0] * num_clips, BatchLimits(clips=8), seed=0, epoch=1):
        learner.step([model.collate([made_up_clip(config, 1.0, number) for number in batch], draw)])
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak_bytes": memory()["peak_bytes"], "peak_bytes_before": before}


SECTIONS: dict[str, Callable[[Bench], Measurement]] = {
    "step": step,
    "modes": modes,
    "features": features,
    "scaling": scaling,
    "curves": lambda bench: apart(curves.measure, bench.small, steps=200),
}


def ratios(sections: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures to reach: steps of coqui-tts over ours, our memory over its.

    And after how many epochs the features have paid for themselves, by steps that are shorter than coqui-tts's.
    """
    found: dict[str, float | None] = {"step_batch2_7s": None, "memory_over_peer": None, "features_paid_epochs": None}
    if "step" not in sections:
        return found
    memories = [max(run["peak_bytes"] for run in sections["step"][name]) for name in ("escuta", "coqui")]
    found["step_batch2_7s"] = round(median(speedups(sections["step"])), 3)
    found["memory_over_peer"] = round(memories[0] / memories[1], 3)
    if "features" in sections:
        ours, theirs = (median(run["seconds"] for run in sections["step"][name]) for name in ("escuta", "coqui"))
        saved = (theirs - ours) / BATCH_SIZE
        found["features_paid_epochs"] = round(median(sections["features"]["clip_seconds"]) / saved, 3)
    return found


def measure(bench: Bench, only: Sequence[str], pages: Pages, versions: Mapping[str, str]) -> dict[str, Any]:
    """Measure some sections, and keep what is known of the others; written after each."""
    sections = pages.sections()
    result: dict[str, Any] = {}
    for name in only:
        print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
        sections[name] = {"machine": {**machine(bench.threads), **versions}, **SECTIONS[name](bench)}
        epochs = {n: one["seconds"] for n, one in sections.get("scaling", {}).items() if n != "machine"}
        result = {"ratios": ratios(sections), "epoch_seconds_by_clips": epochs, "sections": sections}
        pages.write(result)
    return result


def prepare(folder: Path, layers: int) -> tuple[Path, Path, Path]:
    """Make the model at release size, a small one, and the peer's recording."""
    base, small, voice = folder / "base", folder / "small", folder / "voice.wav"
    config = XttsConfig()
    config = replace(config, gpt=replace(config.gpt, layers=layers))
    save_base(base, config, newborn_tensors(config, seed=0), character_vocabulary())
    make_newborn(small, seed=0)
    soundfile.write(voice, recording(), config.sample_rate)
    return base, small, voice


def main(arguments: list[str] | None = None) -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser("python -m bench.training", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layers", type=int, default=XttsConfig().gpt.layers, help="fewer, to try it out")
    parser.add_argument("--peer-python", type=Path, default=ROOT / ".venv-peer" / "bin" / "python")
    asked = parser.parse_args(arguments)
    only = asked.only.split(",")
    if unknown := sorted(set(only) - SECTIONS.keys()):
        parser.error(f"--only {','.join(unknown)}: no such sections; expected some of {', '.join(SECTIONS)}")
    if "step" in only and not asked.peer_python.is_file():
        parser.error(f"{asked.peer_python}: no such Python; run bench/peer/setup.sh, or give --peer-python")
    end_on_sigterm()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made = apart(prepare, folder, asked.layers)
        bench = Bench(*made, asked.peer_python, asked.threads, asked.rounds, asked.layers)
        versions = peer_versions(asked.peer_python) if "step" in only else {}
        result = measure(bench, only, PAGES, versions)
    print(json.dumps({name: result[name] for name in ("ratios", "epoch_seconds_by_clips")}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

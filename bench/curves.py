"""Whether half precision learns as fp32 does: trainings in several arithmetics, from one start on the same clips.

    python -m bench.curves [--base FOLDER] [--steps 300]

Two trainings in fp32 that differ in their dropout alone give the noise that the others are held against.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from bench.apart import Measurement
from escuta.audio.files import read_audio
from escuta.data.checks import check
from escuta.data.demo import DEMO_VOICE
from escuta.models.base import Features
from escuta.models.load import load_model
from escuta.models.xtts.newborn import make_newborn
from escuta.settings import TrainingSettings
from escuta.training.learner import Learner

BLOCK = 20
"""Steps whose losses are averaged into one point of a curve."""

BATCH_SIZE = 2
LEARNING_RATE = 1e-3  # what is made on the spot has everything to learn

WAYS: dict[str, tuple[dict[str, Any], int]] = {
    "fp32": ({"precision": "fp32"}, 0),
    "noise": ({"precision": "fp32"}, 1),
    "bf16": ({"precision": "bf16", "optimizer": "adamw"}, 0),
    "bf16, moments too": ({"precision": "bf16", "optimizer": "adamw_bf16"}, 0),
}
"""Settings and a seed each."""


def measure(base: Path, steps: int, num_clips: int = 60) -> Measurement:
    """Train in every way; the losses by blocks of steps, and how far each curve is from that of fp32."""
    clips = _clips(base, num_clips)
    curves = {name: _curve(base, clips, steps, settings, seed) for name, (settings, seed) in WAYS.items()}
    return {"steps": steps, "curves": curves, "difference": {name: distance(curves, name) for name in curves}}


def distance(curves: dict[str, list[float]], name: str) -> float:
    """Mean distance of a curve's points from those of fp32, relative to these."""
    return mean(abs(one / other - 1) for one, other in zip(curves[name], curves["fp32"], strict=True))


def _clips(base: Path, count: int) -> list[Features]:
    model = load_model(base, uses=["features"])
    found = check(DEMO_VOICE, limits=model.clip_limits, text_problems=lambda _: []).clips[:count]
    wavs = [torch.from_numpy(read_audio(clip.audio, model.input_sample_rate)) for clip in found]
    return [model.features(wav_T, clip.text, "en") for wav_T, clip in zip(wavs, found, strict=True)]


def _curve(base: Path, clips: Sequence[Features], steps: int, settings: dict[str, Any], seed: int) -> list[float]:
    model = load_model(base, uses=["training"])
    learner = Learner(model, TrainingSettings(device="cpu", learning_rate=LEARNING_RATE, **settings), seed=seed)
    draw = torch.Generator().manual_seed(0)
    losses = []
    for _step in range(steps):
        chosen = torch.randperm(len(clips), generator=draw)[:BATCH_SIZE]
        losses.append(learner.step([model.collate([clips[place] for place in chosen.tolist()], draw)]).loss)
    return [mean(losses[first:last]) for first, last in pairwise(range(0, steps + 1, BLOCK))]


def main() -> int:
    """Print the curves and their distances."""
    parser = argparse.ArgumentParser("python -m bench.curves", description=__doc__.partition("\n")[0])
    parser.add_argument("--base", type=Path, help="a model to start from; a small one is made when not given")
    parser.add_argument("--steps", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = asked.base or Path(folder)
        if not asked.base:
            make_newborn(base, seed=0)
        print(json.dumps(measure(base, asked.steps), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Our half of `bench.training`: one optimizer step a line of its input, as the peer's half takes them.

python -m bench.stepping BASE --seconds 7 --threads 2 [--settings '{"precision": "fp32"}']
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch

from bench.machine import memory
from bench.models import made_up_clip
from escuta.models.load import load_model
from escuta.models.xtts.weights import load_weights
from escuta.settings import TrainingSettings
from escuta.training.learner import Learner, uses_for

BATCH_SIZE = 2


def main() -> None:
    """Set up, then take a step for each line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("base", type=Path)
    parser.add_argument("--seconds", type=float, required=True, help="of each of two clips")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--settings", type=json.loads, default={})
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    settings = TrainingSettings(device="cpu", **asked.settings)
    model = load_model(asked.base, uses=uses_for(settings))
    learner = Learner(model, settings, seed=0)
    config = load_weights(asked.base, ["mel_stats"]).config
    clips = [made_up_clip(config, asked.seconds, seed, sound=settings.learns_sound) for seed in range(BATCH_SIZE)]
    draw = torch.Generator().manual_seed(0)
    for _line in sys.stdin:
        started = time.perf_counter()
        step = learner.step([model.collate(clips, draw)])
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "loss": step.loss, **memory()}), flush=True)


if __name__ == "__main__":
    main()

"""A ladder of checkpoints whose order is known: one checkpoint, and the same with growing noise in its weights."""

import json
import random
import shutil
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from bench.apart import Measurement
from bench.kendall import tau_b
from escuta.run.checkpoints import Progress, read_checkpoint, write_checkpoint
from escuta.run.folder import RunFolder
from escuta.scoring.best import BASE
from escuta.scoring.catalogue import SCORES
from escuta.scoring.rule import Yardstick, choose, ranked
from escuta.scoring.scored import ENDING, Scored, read_scored
from escuta.scoring.spread import spread_of

SIGMAS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Standard deviations of the noise, over that of the matrix it is added to; the first rung is the clean checkpoint."""

RUNGS_FILE = "rungs.json"


def noisy(tensors: Mapping[str, Tensor], sigma: float) -> dict[str, Tensor]:
    """Add noise to every matrix; the same noise for every `sigma`, so that a rung lies between its neighbours."""
    found = {}
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.ndim > 1:
            draw = torch.Generator().manual_seed(zlib.crc32(name.encode()))
            noise = torch.randn(tensor.shape, generator=draw, dtype=torch.float32)
            found[name] = (tensor.float() + sigma * tensor.float().std() * noise).to(tensor.dtype)
        else:
            found[name] = tensor
    return found


def build(run: RunFolder, tuned: RunFolder, sigmas: Sequence[float] = SIGMAS) -> None:
    """Make a run of the noisy checkpoints of the best of `tuned`, under names that do not tell their order."""
    run.checkpoints.mkdir(parents=True)
    for file in (tuned.facts, tuned.settings, tuned.clips):
        shutil.copyfile(file, run.path / file.name)
    clean = read_checkpoint(tuned.best_checkpoint)
    numbers = random.Random(0).sample(range(1, len(sigmas) + 1), len(sigmas))
    for sigma, number in zip(sigmas, numbers, strict=True):
        progress = Progress(step=number, micro_steps_in_epoch=1)
        rung = replace(clean, model=noisy(clean.model, sigma), optimizer={}, progress=progress, val_loss=None)
        write_checkpoint(run.checkpoint(f"step_{number}"), rung)
    rungs = {f"step_{number}": sigma for sigma, number in zip(sigmas, numbers, strict=True)}
    (run.path / RUNGS_FILE).write_text(json.dumps(rungs))


def rungs_of(run: RunFolder) -> dict[str, float]:
    """The noise of each rung, by its name."""
    sigmas: dict[str, float] = json.loads((run.path / RUNGS_FILE).read_text())
    return sigmas


def judge(run: RunFolder) -> Measurement:
    """Let the rule order the rungs, without any val_loss, and tell how well it does, and how well each score alone.

    Raises:
        FileNotFoundError: A rung was not scored.
    """
    sigmas = rungs_of(run)
    rungs = {name: scored_of(run, name) for name in sigmas}
    base = read_scored(run.samples / f"{BASE}{ENDING}")
    yardstick = Yardstick(base, spread_of([*rungs.values(), *([base] if base else [])]))
    order = [one.name for one in ranked(list(rungs.values()), yardstick)]
    means = {score: [rungs[name].mean(score) for name in sigmas] for score in SCORES}
    return {
        "sigmas": list(sigmas.values()),
        "num_sentences": max(len(values) for one in rungs.values() for values in one.scores.values()),
        "order": [sigmas[name] for name in order],
        "reason": choose(list(rungs.values()), yardstick).reason,
        "picks_the_clean_one": sigmas[order[0]] == min(sigmas.values()),
        "mean": {score: values for score, values in means.items() if None not in values},
        "tau": {
            "rule": tau_b(list(sigmas.values()), [order.index(name) for name in sigmas]),
            **{name: tau for name, values in means.items() if (tau := _tau(name, list(sigmas.values()), values))},
        },
    }


def scored_of(run: RunFolder, name: str) -> Scored:
    """What the sample `name` scored, without its val_loss.

    Raises:
        FileNotFoundError: It was not scored.
    """
    scored = read_scored(run.samples / f"{name}{ENDING}")
    if scored is None:
        raise FileNotFoundError(f"{run.samples}: {name} was not scored")
    return scored


def _tau(score: str, sigmas: list[float], means: Sequence[float | None]) -> float | None:
    """How well a score alone orders the rungs; None where it has no better way, or tells none apart."""
    better = SCORES[score].better
    values = [mean for mean in means if mean is not None]
    if better is None or len(values) < len(sigmas):
        return None
    tau = tau_b(sigmas, values if better == "lower" else [-value for value in values])
    return None if tau != tau else tau

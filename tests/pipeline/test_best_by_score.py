"""Whole trainings whose samples are scored: what that leaves on disk, and when they end for it."""

import json

import pytest

from commands import escuta
from escuta.run.checkpoints import read_checkpoint
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from scored_samples import scored, write_scored

SECOND_IS_BEST = """
def choose(checkpoints, yardstick):
    best = min(checkpoints, key=lambda one: abs(one.epoch - 2))
    return best, f"I like the second, of {len(checkpoints)}; spread of {len(yardstick.spread)} scores known"
"""


@pytest.fixture
def train(dataset, quick_base, tmp_path):
    """Train on ten clips with one sentence a sample, with a rule of one's own."""
    (tmp_path / "my_rules.py").write_text(SECOND_IS_BEST)

    def train(*more, mode="isolated"):
        asked = ("train", dataset, "--out", tmp_path / "run", "--base", quick_base, "--language", "en", "--mode", mode)
        settings = ("training.device=cpu", "sampling.num_sentences=1", "scores.enabled=true")
        settings = (*settings, f"scores.rule={tmp_path}/my_rules.py:choose")
        done = escuta(*asked, *(word for one in settings for word in ("--set", one)), *more)
        assert (done.returncode, done.stderr) == (0, "")
        return RunFolder(tmp_path / "run"), done.stdout

    return train


def events(run, kind):
    return [event for event in read_events(run.events) if event["event"] == kind]


def test_the_best_by_score_is_kept_heard_again_and_told(train):
    run, said = train("--epochs", "4", "--set", "training.keep_last=1", "--set", "scores.num_seeds=2")

    assert read_checkpoint(run.best_by_score).progress.epoch == 2
    assert run.best_by_score.samefile(run.epoch_checkpoint(2))  # kept although only the last one was asked for
    assert not run.epoch_checkpoint(3).exists() or run.best_checkpoint.samefile(run.epoch_checkpoint(3))
    endings = ("output.wav", "output_seed_1.wav", "reference.wav")
    files = {"epoch_2.json", "epoch_2.scores.json", *(f"epoch_2_{ending}" for ending in endings)}
    assert {path.name for path in run.best_by_score_samples.iterdir()} == files
    kept = json.loads((run.best_by_score_samples / "epoch_2.scores.json").read_text())
    assert [file["seed"] for file in kept["files"]] == [0, 1]
    base = json.loads((run.samples / "epoch_0.json").read_text())
    assert [one["seed"] for one in base["sentences"]] == [0, 1]
    names = [event["name"] for event in events(run, "best_by_score")]
    assert names == ["epoch_1", "epoch_2"] or names == ["epoch_2"]
    assert [event["name"] for event in events(run, "sample")][-1] == "epoch_2"
    assert [event["name"] for event in events(run, "scored")][-1] == "epoch_2"
    assert "⭐ Best by score: epoch_2 (I like the second, of " in said


def test_a_training_that_is_to_stop_on_scores_stops_when_enough_were_scored_in_vain(train):
    run, _said = train("--epochs", "3", "--set", "training.keep_last=9", "--set", "scores.enabled=false", mode="off")
    for epoch in (1, 2, 3):
        write_scored(run, scored(f"epoch_{epoch}", naturalness=3.0))

    _run, said = train(*("--resume", "--epochs", "9", "--patience", "1", "--stop-on", "score"), mode="inline")

    assert "Training ended after epoch 3, step " in said
    (ended,) = (event for event in events(run, "finished") if event["reason"] == "patience")
    assert ended["epoch"] == 3
    assert read_checkpoint(run.best_by_score).progress.epoch == 2

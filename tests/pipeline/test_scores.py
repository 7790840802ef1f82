"""Whole trainings whose samples are scored beside them."""

import json
import os
import signal

import pytest

from commands import children, escuta, start_escuta
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from runs import until

SCORER = "escuta.scoring.worker"


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


@pytest.fixture
def arguments(dataset, quick_base, run):
    chosen = ("training.device=cpu", "training.batch_size=1", "sampling.num_sentences=1", "scores.enabled=true")
    settings = [word for setting in (*chosen, "scores.num_seeds=1") for word in ("--set", setting)]
    return ["train", dataset, "--out", run.path, "--base", quick_base, "--language", "en", "--epochs", "2", *settings]


def scored(run):
    return [event["name"] for event in read_events(run.events) if event["event"] == "scored"]


def test_every_sample_is_scored_and_so_are_the_real_clips_though_the_scorer_is_killed(arguments, run):
    training = start_escuta(*arguments)
    until(lambda: children(training.pid, SCORER) or training.poll() is not None)
    os.kill(children(training.pid, SCORER)[0], signal.SIGKILL)
    said, _ = training.communicate()

    assert training.returncode == 0, said
    assert scored(run) == ["epoch_0", "epoch_1", "epoch_2"]
    assert "Training finished: 2 epochs" in said
    assert said.count("Not measured: Character error rate") == 1
    for name in ("epoch_0", "epoch_1", "epoch_2"):
        about, scores = (json.loads((run.samples / f"{name}{end}").read_text()) for end in (".json", ".scores.json"))
        assert scores["weights"] == about["weights"]
        assert [file["file"] for file in scores["files"]] == [sentence["file"] for sentence in about["sentences"]]
    ceiling = json.loads((run.samples / "held_out.scores.json").read_text())
    assert len(ceiling["files"]) == 2
    assert ceiling["mean"]["speaking_rate_deviation"] >= 0

    made = {path: path.stat().st_mtime_ns for path in run.samples.glob("*.scores.json")}
    again = escuta("score", run.path)
    assert (again.returncode, again.stderr) == (0, "")
    assert {path: path.stat().st_mtime_ns for path in made} == made  # up to date


@pytest.mark.slow
def test_without_scores_nobody_scores(arguments, run):
    done = escuta(*arguments, "--set", "scores.enabled=false")

    assert done.returncode == 0, done.stderr
    assert scored(run) == []
    assert list(run.samples.glob("*.scores.json")) == []

"""What all the parts together are for: the model that comes with escuta learns a voice that it never heard."""

import os
import signal

import pytest

from commands import escuta, start_escuta
from escuta.data.demo import DEMO_VOICES
from escuta.report.epoch_table import read_rows
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from runs import until

QUIET = ("sampling.mode=off", "scores.enabled=false", "training.device=cpu")
SCORED = ("training.device=cpu", "sampling.num_sentences=4", "scores.enabled=true", "scores.num_seeds=1")


def demo(run, *settings):
    return ["demo", "--base", "nano", "--out", run.path, *(word for one in settings for word in ("--set", one))]


def mean_similarity(run, epoch):
    (event,) = [one for one in read_events(run.events) if one["event"] == "scored" and one["name"] == f"epoch_{epoch}"]
    return event["mean"]["speaker_similarity"]


def test_a_short_fine_tuning_lowers_the_held_out_loss(tmp_path):
    run = RunFolder(tmp_path / "run")

    done = escuta(*demo(run, *QUIET, "data.max_clips=16", "training.epochs=2"))

    assert done.returncode == 0, done.stderr
    losses = {epoch: row.val_loss for epoch, row in read_rows(run).items()}
    assert losses[0] > losses[1] > losses[2]


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The demo, undisturbed."""
    run = RunFolder(tmp_path_factory.mktemp("learning") / "straight")
    done = escuta(*demo(run, *SCORED))
    assert done.returncode == 0, done.stderr
    return run


@pytest.mark.slow
def test_epoch_by_epoch_samples_come_nearer_to_the_voice(straight):
    assert mean_similarity(straight, max(read_rows(straight))) > mean_similarity(straight, 0) + 0.05


@pytest.mark.slow
def test_a_killed_run_comes_as_near_to_the_voice(straight, tmp_path):
    killed = RunFolder(tmp_path / "killed")
    training = start_escuta(*demo(killed, *SCORED))
    until(lambda: len(read_rows(killed)) > 3 or training.poll() is not None, seconds=300)
    os.kill(training.pid, signal.SIGKILL)
    training.communicate()
    again = ("--resume", "--set", "scores.enabled=true")  # which the surroundings of tests switch off
    resumed = escuta("train", DEMO_VOICES["allison"].folder, "--out", killed.path, *again)
    assert resumed.returncode == 0, resumed.stderr

    last = max(read_rows(straight))
    assert mean_similarity(killed, last) == pytest.approx(mean_similarity(straight, last), abs=0.02)

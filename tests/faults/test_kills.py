"""Trainings killed at random instants: each goes on to the very weights of the one that nobody disturbed."""

import os
import random
import signal
import time

import pytest

from commands import children, escuta, start_escuta
from escuta.run.checkpoints import list_checkpoints, read_checkpoint
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from escuta.sampling.fingerprint import fingerprint

SETTINGS = (
    *("training.device=cpu", "training.precision=fp32", "training.batch_size=1", "training.learning_rate=1e-4"),
    *("training.save_state_minutes=1e-9", "training.keep_last=1"),
)
"""The state is saved after every step."""

WRITER = "escuta.run.writer"
EPOCHS = 3
MIDWAY = 0.4
"""Of the kills, while a checkpoint is being written."""


@pytest.fixture(scope="module")
def command(dataset, quick_base):
    def command(run, *more):
        chosen = [word for setting in SETTINGS for word in ("--set", setting)]
        asked = ["--base", quick_base, "--language", "en", "--epochs", EPOCHS, "--mode", "off"]
        return ["train", dataset, "--out", run.path, *asked, *chosen, *more]

    return command


@pytest.fixture(scope="module")
def straight(command, tmp_path_factory):
    """A run that nobody disturbed."""
    run = RunFolder(tmp_path_factory.mktemp("straight") / "run")
    done = escuta(*command(run))
    assert (done.returncode, done.stderr) == (0, "")
    return run


def losses(run):
    """Of every step, as it was taken last."""
    return {event["step"]: event["loss"] for event in read_events(run.events) if event["event"] == "step"}


def last_start(run):
    """The events since the last start."""
    events: list[dict] = []
    for event in read_events(run.events):
        events = [event] if event["event"] == "start" else [*events, event]
    return events


def assert_sound(run):
    """Every file under a final name is whole, and none is lost that was told of."""
    files = [path for path in run.checkpoints.glob("*.pt") if not path.name.startswith(".")]
    steps = {}
    for path in files:
        checkpoint = read_checkpoint(path)
        fingerprint(checkpoint.model)  # reads every tensor
        steps[path.name] = checkpoint.progress.step
    told = [event for event in read_events(run.events) if event["event"] == "checkpoint"]
    assert max(steps.values(), default=0) >= max((event["step"] for event in told), default=0)
    removed = {event["file"] for event in read_events(run.events) if event["event"] == "checkpoint_removed"}
    kept = {event["file"] for event in told} - removed - {"last.pt"}
    assert kept <= steps.keys() | _pruned_before_it_was_noted(run)


def _pruned_before_it_was_noted(run):
    """A kill may come between the removal of a checkpoint and its event; a newer one is there then."""
    newest = max((int(path.stem.rpartition("_")[2]) for path in list_checkpoints(run)), default=0)
    return {f"checkpoint_epoch_{epoch}.pt" for epoch in range(1, newest)}


def strike(training, run, chance):
    """Wait for an instant, then kill the trainer, the one who writes, or both."""
    begun = len(list(read_events(run.events))) if run.events.exists() else 0
    while training.poll() is None and not (run.events.exists() and len(list(read_events(run.events))) > begun):
        if chance.random() < 0.001:  # some die before they have begun
            break
        time.sleep(0.005)
    deadline = time.monotonic() + chance.uniform(0, 1.5)
    midway = chance.random() < MIDWAY
    while training.poll() is None and time.monotonic() < deadline:
        if midway and list(run.checkpoints.glob(".*.partial")):
            break
        time.sleep(0.001)
    if training.poll() is not None:
        return
    who = chance.choice(["trainer", "trainer", "writer", "both"])
    writers = children(training.pid, WRITER) if who != "trainer" else []
    for pid in [*writers, *([training.pid] if who != "writer" else [])]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    if who == "writer":
        time.sleep(chance.uniform(0, 0.3))
        training.kill()  # soon after, so that what was written in its place may be torn as well


def kill_again_and_again(command, straight, tmp_path, num_kills, seed):
    chance = random.Random(seed)
    number, run, kills, finished = 0, RunFolder(tmp_path / "run0"), 0, 0
    while kills < num_kills:
        training = start_escuta(*command(run, *(["--resume"] if run.exists() else [])))
        try:
            strike(training, run, chance)
        finally:
            output, _errors = training.communicate(timeout=300)
        assert "Traceback" not in output, output
        if training.returncode == -signal.SIGKILL:
            kills += 1
            assert_sound(run)
            continue
        assert training.returncode == 0, output
        assert_same_end(run, straight)
        finished += 1
        number += 1
        run = RunFolder(tmp_path / f"run{number}")
    if run.exists():
        done = escuta(*command(run, "--resume"))
        assert (done.returncode, done.stderr) == (0, "")
        assert_same_end(run, straight)


def assert_same_end(run, straight):
    ended, expected = (read_checkpoint(one.epoch_checkpoint(EPOCHS)) for one in (run, straight))
    assert ended.progress == expected.progress
    assert losses(run) == losses(straight)  # the same clips in the same order, none twice and none left out
    assert fingerprint(ended.model) == fingerprint(expected.model)
    best, expected_best = (read_checkpoint(one.best_checkpoint) for one in (run, straight))
    assert fingerprint(best.model) == fingerprint(expected_best.model)
    assert not list(run.checkpoints.glob(".*.partial"))
    assert not run.last_state.exists()


def test_a_training_killed_three_times_ends_as_if_nothing_had_happened(command, straight, tmp_path):
    kill_again_and_again(command, straight, tmp_path, num_kills=3, seed=1)


@pytest.mark.slow
def test_trainings_killed_fifty_times_end_as_if_nothing_had_happened(command, straight, tmp_path):
    kill_again_and_again(command, straight, tmp_path, num_kills=50, seed=2)


def test_six_steps_are_three_a_kill_and_three_more(command, straight, tmp_path):
    run = RunFolder(tmp_path / "run")
    training = start_escuta(*command(run))
    while training.poll() is None and max(losses(run) if run.events.exists() else [0], default=0) < 3:
        time.sleep(0.001)
    training.kill()
    training.communicate()

    done = escuta(*command(run, "--resume"))

    assert (done.returncode, done.stderr) == (0, "")
    assert 0 < last_start(run)[0]["step"] < 24  # from within an epoch or the end of one, not from the beginning
    assert_same_end(run, straight)

"""One training in two processes, as `torchrun` starts them; so does `accelerate launch`, on GPUs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from commands import ENVIRONMENT, children
from escuta.run.checkpoints import read_checkpoint
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from escuta.sampling.fingerprint import fingerprint
from runs import until

TORCHRUN = ("torch.distributed.run", "--nproc-per-node", "2")
SETTINGS = ("training.device=cpu", "training.precision=fp32", "training.batch_size=1", "training.learning_rate=1e-4")


@pytest.fixture(scope="module")
def start(dataset, quick_base):
    """Start a training of two epochs in two processes."""

    def start(run, *more):
        chosen = [word for setting in (*SETTINGS, "sampling.num_sentences=1") for word in ("--set", setting)]
        asked = ["--out", run.path, "--base", quick_base, "--language", "en", "--epochs", 2, *chosen, *more]
        return subprocess.Popen(
            [sys.executable, "-m", *TORCHRUN, "-m", "escuta", "train", *map(str, [dataset, *asked])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **ENVIRONMENT},
            process_group=0,
        )

    return start


@pytest.fixture(scope="module")
def straight(start, tmp_path_factory):
    """A run that nobody disturbed, and what it said."""
    run = RunFolder(tmp_path_factory.mktemp("straight") / "run")
    training = start(run)
    said, problems = training.communicate(timeout=300)
    assert training.returncode == 0, problems
    return run, said


def steps(run):
    return {event["step"]: event["loss"] for event in read_events(run.events) if event["event"] == "step"}


def process_of_rank(training, rank):
    """The process of `training` that has this rank."""
    environments = {pid: Path(f"/proc/{pid}/environ").read_bytes() for pid in children(training.pid, "escuta")}
    (pid,) = (pid for pid, one in environments.items() if f"RANK={rank}".encode() in one.split(b"\0"))
    return pid


def test_one_process_writes_speaks_and_talks_for_both(straight):
    run, said = straight

    assert said.count("Epoch 1/2: ") == 1
    assert said.count("Training finished: 2 epochs, 8 steps.") == 1
    events = list(read_events(run.events))
    assert [event["step"] for event in events if event["event"] == "step"] == list(range(1, 9))  # not 16
    spoken = [event["name"] for event in events if event["event"] == "sample" and event["status"] == "spoken"]
    assert spoken == ["epoch_0", "epoch_1", "epoch_2"]
    last = read_checkpoint(run.epoch_checkpoint(2))
    assert len(last.random_state["others"]) == 1
    assert (last.random_state["others"][0]["cpu"] != last.random_state["cpu"]).any()


def test_an_end_that_is_asked_for_ends_both_and_what_is_left_is_done_later(start, straight, tmp_path):
    run = RunFolder(tmp_path / "run")
    training = start(run, "--mode", "off")
    until(lambda: run.events.exists() and steps(run))
    training.send_signal(signal.SIGTERM)
    said, problems = training.communicate(timeout=300)

    assert "Training interrupted at epoch" in said, problems
    assert read_checkpoint(run.last_state).progress.step == max(steps(run))

    training = start(run, "--mode", "off", "--resume")
    _said, problems = training.communicate(timeout=300)
    assert training.returncode == 0, problems

    assert steps(run) == steps(straight[0])
    ended, expected = (read_checkpoint(one.epoch_checkpoint(2)) for one in (run, straight[0]))
    assert fingerprint(ended.model) == fingerprint(expected.model)


def test_a_process_that_dies_takes_the_other_with_it(start, tmp_path):
    run = RunFolder(tmp_path / "run")
    training = start(run, "--mode", "off", "--set", "training.epochs=50")
    until(lambda: run.events.exists() and steps(run))
    first, second = (process_of_rank(training, rank) for rank in range(2))
    os.kill(second, signal.SIGKILL)
    training.communicate(timeout=300)

    assert training.returncode != 0
    assert not Path(f"/proc/{first}").exists()  # it says why, unless torchrun is quicker to end it


def test_what_is_wrong_is_said_once(start, tmp_path):
    run = RunFolder(tmp_path / "run")
    training = start(run, "--resume")
    _said, problems = training.communicate(timeout=300)

    assert training.returncode != 0
    assert problems.count(f"{run.path}: no run to resume; leave --resume out to begin one.\n") == 1

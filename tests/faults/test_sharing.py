"""Processes that share the checkpoints of a run: each sample is made once, whoever is killed or interrupted."""

import os
import re
import signal
import subprocess
import sys

import pytest

from commands import ENVIRONMENT, escuta
from runs import make_run

NAMES = ["epoch_0", "epoch_1", "epoch_2", "epoch_3", "epoch_4"]
FILES = {f"{name}{end}" for name in NAMES for end in (".json", "_output.wav", "_output_02.wav", "_reference.wav")}


@pytest.fixture
def run(quick_base, tmp_path):
    return make_run(tmp_path / "run", quick_base, epochs=4)


@pytest.fixture
def talkative(random_base, tmp_path):
    """A run whose samples take a while: none ends before the model's limit."""
    return make_run(tmp_path / "run", random_base, epochs=4)


def start(run, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "escuta", "sample", str(run.path), "--all"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **ENVIRONMENT, **environment},
    )


def torchrun(run):
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "escuta", "sample", str(run.path), "--all"]
    environment = {**os.environ, **ENVIRONMENT}
    return subprocess.run(
        [sys.executable, *launch], capture_output=True, text=True, timeout=300, check=False, env=environment
    )


def made(text):
    return re.findall(r"^✅ (\w+): [\d.]+ s of audio", text, re.MULTILINE)


def until_one_is_made(process):
    """What `process` has said up to its first sample."""
    said = ""
    while not made(said):
        line = process.stdout.readline()
        assert line, process.stderr.read()
        said += line
    return said


def files(run):
    return {path.name for path in run.samples.iterdir()}


def test_under_torchrun_each_sample_is_made_once(run):
    done = torchrun(run)

    assert done.returncode == 0, done.stderr
    assert sorted(made(done.stdout)) == NAMES
    assert files(run) == FILES
    assert "epoch_4_output.wav" in run.report.read_text()


def test_a_damaged_checkpoint_keeps_no_process_of_torchrun_from_the_others(run):
    """It ends all when one fails: so the one that tells of failures ends last."""
    run.epoch_checkpoint(2).write_bytes(b"nothing")
    done = torchrun(run)

    assert done.returncode != 0
    assert sorted(made(done.stdout)) == ["epoch_0", "epoch_1", "epoch_3", "epoch_4"]
    assert "❌ Not spoken: epoch_2\n" in done.stdout


def test_what_a_killed_process_leaves_undone_another_makes(talkative):
    first, second = (start(talkative, RANK=rank, WORLD_SIZE="2") for rank in "01")
    killed = until_one_is_made(second)
    second.kill()
    said, problems = first.communicate(timeout=300)

    assert (first.returncode, problems) == (0, "")
    assert sorted([*made(killed + second.communicate()[0]), *made(said)]) == NAMES
    assert {name for name in files(talkative) if not name.endswith(".partial")} == FILES


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(talkative):
    process = start(talkative)
    said = until_one_is_made(process)
    process.send_signal(signal.SIGINT)
    rest, problem = process.communicate(timeout=300)

    assert process.returncode == 130
    assert problem == "Interrupted; finished samples are kept. The same command goes on.\n"
    finished = made(said + rest)
    assert {path.stem for path in talkative.samples.glob("*.json")} == set(finished) < set(NAMES)
    assert not list(talkative.samples.glob(".*.partial"))
    assert "epoch_0_output.wav" in talkative.report.read_text()

    assert sorted(finished + made(escuta("sample", talkative.path, "--all").stdout)) == NAMES

import os
from dataclasses import asdict

import pytest
import torch

from escuta.run.checkpoints import Checkpoint, Progress, read_checkpoint, state_table
from escuta.run.child import Child
from escuta.run.staging import Staging
from escuta.run.writer import COMMAND
from runs import until

CHECKPOINT = Checkpoint(
    family="xtts",
    base_fingerprint="abc",
    progress=Progress(epoch=1, step=4),
    val_loss=1.0,
    model={"gpt.mel_head.bias": torch.arange(3.0)},
    optimizer={"state": {0: {"step": torch.tensor(4.0), "exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 1e-4}]},
    random_state={"cpu": torch.get_rng_state()},
)


@pytest.fixture
def staged():
    """A checkpoint staged, as orders name it, and the processes that may read it."""
    weights, state = Staging(), Staging()
    yield {"weights": asdict(weights.put(CHECKPOINT.model)), "state": asdict(state.put(state_table(CHECKPOINT)))}
    weights.close()
    state.close()


@pytest.fixture
def writer(staged):
    child = Child(COMMAND, nice=0, threads=1, inherited=[part["fd"] for part in staged.values()])
    yield child
    child.end()


def answer(child):
    messages = []
    until(lambda: messages.extend(child.messages()) or messages or not child.alive())
    (message,) = messages
    return message


def test_what_is_staged_comes_to_the_disk_as_training_would_have_written_it(writer, staged, tmp_path):
    path, best = tmp_path / "checkpoint_epoch_1.pt", tmp_path / "best_model.pt"

    writer.tell({"path": str(path), "best": str(best), **staged})

    assert answer(writer)["seconds"] > 0
    read = read_checkpoint(path)
    assert read.progress == CHECKPOINT.progress
    assert read.model["gpt.mel_head.bias"].tolist() == [0, 1, 2]
    assert read.optimizer["state"][0]["exp_avg"].tolist() == [1, 1, 1]
    assert read.optimizer["param_groups"] == [{"lr": 1e-4}]
    assert torch.equal(read.random_state["cpu"], CHECKPOINT.random_state["cpu"])
    assert best.samefile(path)
    assert sorted(os.listdir(tmp_path)) == ["best_model.pt", "checkpoint_epoch_1.pt"]


def test_a_disk_that_takes_nothing_is_an_answer_not_an_end(writer, staged, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    writer.tell({"path": str(tmp_path / "file" / "checkpoint.pt"), "best": None, **staged})

    refused = answer(writer)["refused"]

    assert refused[1] in ("Not a directory", "File exists")
    writer.tell({"path": str(tmp_path / "checkpoint_epoch_1.pt"), "best": None, **staged})
    assert "seconds" in answer(writer)

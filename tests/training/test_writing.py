import os
import signal
import weakref
from dataclasses import replace

import pytest
import torch

from escuta.run.checkpoints import Checkpoint, Progress, read_checkpoint
from escuta.run.staging import StagedTensors, Staging
from escuta.training import writing
from escuta.training.writing import CheckpointWriter
from runs import until

CHECKPOINT = Checkpoint(
    family="xtts",
    base_fingerprint="abc",
    progress=Progress(epoch=1, step=4),
    val_loss=1.0,
    model={"gpt.mel_head.bias": torch.arange(3.0)},
    optimizer={"state": {}, "param_groups": []},
    random_state={"cpu": torch.get_rng_state()},
)

PLENTY = 1 << 30


@pytest.fixture
def writer():
    writer = CheckpointWriter(12, 0, PLENTY)
    yield writer
    writer.close()


def test_a_checkpoint_is_written_beside_training_as_it_was_when_it_was_begun(writer, tmp_path):
    weights = torch.arange(3.0)
    copied = writer.begin(tmp_path / "a.pt", replace(CHECKPOINT, model={"w": weights}), tmp_path / "best.pt")
    weights.fill_(9)

    until(lambda: writer.finished() is not None)

    assert read_checkpoint(tmp_path / "a.pt").model["w"].tolist() == [0, 1, 2]
    assert (tmp_path / "best.pt").samefile(tmp_path / "a.pt")
    assert copied.weights_seconds > 0
    assert StagedTensors(copied.weights)["w"].tolist() == [0, 1, 2]
    assert writer.finished() is None
    assert copied.weights.fd in writer.inherited


def test_a_full_disk_is_told_to_training(writer, tmp_path):
    (tmp_path / "file").touch()
    writer.begin(tmp_path / "file" / "a.pt", CHECKPOINT, None)

    with pytest.raises(OSError, match="file"):
        writer.finished(wait=True)

    writer.begin(tmp_path / "a.pt", CHECKPOINT, None)
    assert writer.finished(wait=True) > 0


def test_a_process_that_is_killed_costs_no_checkpoint(writer, tmp_path):
    os.kill(writer._child.pid, signal.SIGKILL)
    for name in ("a.pt", "b.pt"):  # the first is written here, the second by a new process
        writer.begin(tmp_path / name, CHECKPOINT, None)
        assert writer.finished(wait=True) > 0
        assert read_checkpoint(tmp_path / name).progress == CHECKPOINT.progress
    assert writer._child.alive()


def test_what_a_killed_process_left_of_a_file_is_removed(writer, tmp_path):
    (tmp_path / ".a.pt.0123abcd.partial").write_bytes(b"torn")
    os.kill(writer._child.pid, signal.SIGKILL)

    writer.begin(tmp_path / "a.pt", CHECKPOINT, None)

    assert writer.finished(wait=True) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_what_was_refused_is_written_when_it_is_asked_for_again(writer, tmp_path):
    (tmp_path / "folder").touch()
    writer.begin(tmp_path / "folder" / "a.pt", CHECKPOINT, None)
    with pytest.raises(OSError, match="folder"):
        writer.finished(wait=True)
    (tmp_path / "folder").unlink()

    writer.again()

    assert writer.finished(wait=True) > 0
    assert read_checkpoint(tmp_path / "folder" / "a.pt").progress == CHECKPOINT.progress


def test_a_process_that_hangs_is_ended_and_its_checkpoint_written(writer, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "TIMEOUT_SECONDS", 0.3)
    os.kill(writer._child.pid, signal.SIGSTOP)

    writer.begin(tmp_path / "a.pt", CHECKPOINT, None)

    assert writer.finished(wait=True) > 0
    assert read_checkpoint(tmp_path / "a.pt").progress == CHECKPOINT.progress


@pytest.mark.parametrize("lacking", ["memory", "room", "process"])
def test_without_memory_or_processes_training_writes_itself(tmp_path, monkeypatch, lacking):
    if lacking == "process":
        monkeypatch.setattr(writing, "COMMAND", (str(tmp_path / "no such program"),))
    if lacking == "memory":
        monkeypatch.setattr(Staging, "reserve", refuse)
    writer = CheckpointWriter(12, 0, 12 if lacking == "room" else PLENTY)

    copied = writer.begin(tmp_path / "a.pt", CHECKPOINT, tmp_path / "best.pt")

    assert writer.finished(wait=True) > 0
    assert read_checkpoint(tmp_path / "best.pt").progress == CHECKPOINT.progress
    assert (copied.weights is None) == (lacking != "process")
    writer.close()


def test_what_was_written_here_is_let_go(tmp_path):
    writer = CheckpointWriter(12, 0, 0)
    weights = torch.zeros(3)
    gone = weakref.ref(weights)

    writer.begin(tmp_path / "a.pt", replace(CHECKPOINT, model={"w": weights}), None)
    del weights

    assert gone() is None
    writer.close()


def test_a_training_on_the_cpu_leaves_the_gpu_alone(monkeypatch):
    def busy():
        raise RuntimeError("CUDA-capable device(s) is/are busy or unavailable")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "cudart", busy)

    CheckpointWriter(12, 24, PLENTY).close()


def refuse(*_args):
    raise OSError(12, "Cannot allocate memory")

import errno
import os
import pickle
import random
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from escuta.errors import CheckpointError
from escuta.run.checkpoints import (
    Checkpoint,
    Progress,
    find_checkpoint,
    list_checkpoints,
    mark_best,
    newest_state,
    prune_checkpoints,
    read_checkpoint,
    write_checkpoint,
)
from escuta.run.folder import RunFolder
from small_disk import run_on_small_disk

FILL_THE_DISK = """
import sys
from pathlib import Path
import torch
from escuta.run.checkpoints import Checkpoint, Progress, read_checkpoint, write_checkpoint
path = Path(sys.argv[1]) / "checkpoint_epoch_1.pt"
for width in (10, 100_000):
    try:
        write_checkpoint(path, Checkpoint("xtts", "", Progress(step=width), None, {"w": torch.ones(width)}, {}, {}))
    except OSError as error:
        print(error.errno, error.filename)
print(read_checkpoint(path).progress.step, [file.name for file in path.parent.iterdir()])
"""


class Touch:
    """A pickle of this makes whoever unpickles it create a file."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch hacked",)


def checkpoint(step: int = 7, **progress: int | float) -> Checkpoint:
    module = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(module.parameters())
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return Checkpoint(
        family="xtts",
        base_fingerprint="0123abcd",
        progress=Progress(step=step, **progress),
        val_loss=2.5,
        model={name: tensor.detach() for name, tensor in module.state_dict().items()},
        optimizer=optimizer.state_dict(),
        random_state={"cpu": torch.get_rng_state()},
    )


def run_with(tmp_path: Path, *names: str) -> RunFolder:
    """A run whose checkpoints were written in this order, a step each."""
    run = RunFolder(tmp_path / "run")
    for step, name in enumerate(names, start=1):
        write_checkpoint(run.checkpoints / name, checkpoint(step))
        os.utime(run.checkpoints / name, (step, step))
    return run


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as error:
        read_checkpoint(path)
    assert len(error.value.problems) == 1
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{path}: ")


DAMAGED = (
    "damaged, or holds more than plain data, and was not opened; expected a checkpoint written by escuta. "
    "Choose another."
)
UNKNOWN = "not a checkpoint that this version of escuta knows. Choose another."


def test_all_is_read_back(tmp_path):
    written = checkpoint(step=7, epoch=3, micro_steps_in_epoch=2, best_val_loss=1.5, best_epoch=2)
    write_checkpoint(tmp_path / "checkpoint.pt", written)

    read = read_checkpoint(tmp_path / "checkpoint.pt")

    assert (read.family, read.base_fingerprint, read.val_loss) == ("xtts", "0123abcd", 2.5)
    assert read.progress == written.progress
    assert read.model.keys() == written.model.keys()
    assert all(torch.equal(read.model[name], written.model[name]) for name in written.model)
    assert read.optimizer["param_groups"] == written.optimizer["param_groups"]
    moments = read.optimizer["state"][0]["exp_avg"], written.optimizer["state"][0]["exp_avg"]
    assert torch.equal(*moments)
    assert torch.equal(read.random_state["cpu"], written.random_state["cpu"])


def test_pytorch_reads_it_as_plain_data_under_the_names_of_the_guide(tmp_path):
    written = checkpoint(step=7, epoch=3)
    write_checkpoint(tmp_path / "checkpoint.pt", written)

    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)

    assert (content["epoch"], content["step"], content["val_loss"]) == (3, 7, 2.5)
    assert torch.equal(content["model_state_dict"]["weight"], written.model["weight"])
    assert content["optimizer_state_dict"]["param_groups"] == written.optimizer["param_groups"]


def test_a_checkpoint_that_is_replaced_or_removed_stays_readable_to_whoever_opened_it(tmp_path):
    path = tmp_path / "checkpoint.pt"
    first = checkpoint()
    write_checkpoint(path, first)
    opened = read_checkpoint(path)

    write_checkpoint(path, checkpoint())
    path.unlink()

    assert torch.equal(opened.model["weight"], first.model["weight"])


def test_a_truncated_checkpoint_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    write_checkpoint(path, checkpoint())
    whole = path.read_bytes()

    for num_bytes in [*range(0, len(whole), 500), len(whole) - 1]:
        path.write_bytes(whole[:num_bytes])
        assert refusal(path) == DAMAGED


def test_a_checkpoint_with_flipped_bytes_is_read_or_refused_and_raises_nothing_else(tmp_path):
    path = tmp_path / "checkpoint.pt"
    write_checkpoint(path, checkpoint())
    whole = path.read_bytes()
    dice = random.Random(0)
    num_refused = 0

    for _ in range(300):
        content = bytearray(whole)
        content[dice.randrange(2000)] = dice.randrange(256)
        path.write_bytes(content)
        try:
            read_checkpoint(path)
        except CheckpointError:
            num_refused += 1

    assert num_refused > 50


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_that_would_run_something_is_refused_and_runs_nothing(tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "checkpoint.pt"
    torch.save({"format": 1, "step": Touch()}, path, _use_new_zipfile_serialization=zipped)

    assert refusal(path) == DAMAGED
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"PK", b"text", b"\0" * 100, pickle.dumps({"format": 1})])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "checkpoint.pt").write_bytes(content)

    assert refusal(tmp_path / "checkpoint.pt") == DAMAGED


def test_another_zip_file_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "checkpoint.pt", "w") as archive:
        archive.writestr("notes.txt", "text")

    assert refusal(tmp_path / "checkpoint.pt") == DAMAGED


@pytest.mark.parametrize("content", [{"model": {}}, {"format": 2}, [1], torch.ones(2)])
def test_a_checkpoint_of_another_program_or_version_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "checkpoint.pt")

    assert refusal(tmp_path / "checkpoint.pt") == UNKNOWN


@pytest.mark.parametrize("missing", ["family", "step", "best_epoch", "model_state_dict", "random_state"])
def test_a_checkpoint_that_lacks_something_is_refused(tmp_path, missing):
    path = tmp_path / "checkpoint.pt"
    write_checkpoint(path, checkpoint())
    content = torch.load(path, weights_only=True)
    del content[missing]
    torch.save(content, path)

    assert refusal(path) == f"'{missing}' is missing; expected a checkpoint written by escuta. Choose another."


def test_what_is_no_file_is_told(tmp_path):
    (tmp_path / "folder").mkdir()

    missing, folder = refusal(tmp_path / "missing.pt"), refusal(tmp_path / "folder")

    assert missing == "cannot be read (No such file or directory); expected a checkpoint."
    assert folder == "cannot be read (Is a directory); expected a checkpoint."


def test_a_full_disk_leaves_the_earlier_checkpoint(tmp_path):
    finished = run_on_small_disk(tmp_path, 65536, sys.executable, "-c", FILL_THE_DISK, str(tmp_path))

    assert finished.stdout.splitlines() == [
        f"{errno.ENOSPC} {tmp_path / 'checkpoint_epoch_1.pt'}",
        "10 ['checkpoint_epoch_1.pt']",
    ]
    assert finished.stderr == ""


def test_checkpoints_are_listed_oldest_first_without_the_best_and_the_last_state(tmp_path):
    run = run_with(
        tmp_path,
        "checkpoint_epoch_1.pt",
        "checkpoint_step_250.pt",
        "checkpoint_epoch_2.pt",
        "checkpoint_epoch_10.pt",
        "best_model.pt",
        "last.pt",
        "checkpoint_epoch_2 (copy).pt",
    )

    assert [path.name for path in list_checkpoints(run)] == [
        "checkpoint_epoch_1.pt",
        "checkpoint_step_250.pt",
        "checkpoint_epoch_2.pt",
        "checkpoint_epoch_10.pt",
    ]


def test_a_run_without_checkpoints_lists_none(tmp_path):
    run = RunFolder(tmp_path)

    assert list_checkpoints(run) == []
    assert newest_state(run, on_damaged=pytest.fail) == (None, None)
    assert prune_checkpoints(run, 1, []) == []


def test_a_checkpoint_is_found_by_its_name_or_its_path(tmp_path, monkeypatch):
    run = run_with(tmp_path, "checkpoint_epoch_1.pt")
    monkeypatch.chdir(run.checkpoints)

    for name in ("checkpoint_epoch_1.pt", str(run.epoch_checkpoint(1)), "./checkpoint_epoch_1.pt"):
        assert find_checkpoint(run, name).samefile(run.epoch_checkpoint(1))


def test_a_checkpoint_that_is_not_there_is_told_with_those_that_are(tmp_path):
    run = run_with(tmp_path, "checkpoint_epoch_1.pt", "checkpoint_epoch_2.pt")
    mark_best(run, run.epoch_checkpoint(1))

    with pytest.raises(CheckpointError) as error:
        find_checkpoint(run, "checkpoint_epoch_9.pt")

    assert str(error.value) == (
        "checkpoint_epoch_9.pt: not found; there are checkpoint_epoch_1.pt, checkpoint_epoch_2.pt, best_model.pt in "
        f"{run.checkpoints}."
    )


def test_without_any_checkpoint_that_is_told(tmp_path):
    run = RunFolder(tmp_path)

    with pytest.raises(CheckpointError) as error:
        find_checkpoint(run, "best_model.pt")

    assert str(error.value) == f"best_model.pt: not found; there are no checkpoints in {run.checkpoints}."


def test_the_best_checkpoint_takes_no_disk_space_of_its_own(tmp_path):
    run = run_with(tmp_path, "checkpoint_epoch_1.pt", "checkpoint_epoch_2.pt")

    for epoch in (1, 2, 2):
        mark_best(run, run.epoch_checkpoint(epoch))
        assert run.best_checkpoint.samefile(run.epoch_checkpoint(epoch))

    assert len(list(run.checkpoints.iterdir())) == 3


@pytest.mark.parametrize("most_steps", ["checkpoint_epoch_2.pt", "checkpoint_step_30.pt", "last.pt"])
def test_a_run_continues_from_the_most_steps_whatever_the_times_of_its_files_say(tmp_path, most_steps):
    run = RunFolder(tmp_path)
    for name in ("checkpoint_epoch_2.pt", "checkpoint_step_30.pt", "last.pt"):
        path = run.checkpoints / name
        write_checkpoint(path, checkpoint(step=100 if name == most_steps else 20))
        os.utime(path, (1, 1) if name == most_steps else (9, 9))

    path, newest = newest_state(run, on_damaged=pytest.fail)
    assert newest is not None
    assert (path.name, newest.progress.step) == (most_steps, 100)


def test_a_damaged_checkpoint_is_told_and_passed_over_where_another_can_be_read(tmp_path):
    run = run_with(tmp_path, "checkpoint_epoch_1.pt", "checkpoint_epoch_2.pt")
    run.epoch_checkpoint(2).write_bytes(run.epoch_checkpoint(2).read_bytes()[:-100])
    told: list[str] = []

    path, _newest = newest_state(run, on_damaged=told.append)

    assert path == run.epoch_checkpoint(1)
    assert len(told) == 1
    assert told[0].startswith(f"{run.epoch_checkpoint(2)}: ")


def test_where_no_checkpoint_can_be_read_all_are_told(tmp_path):
    run = run_with(tmp_path, "checkpoint_epoch_1.pt", "checkpoint_epoch_2.pt")
    for epoch in (1, 2):
        run.epoch_checkpoint(epoch).write_bytes(b"PK")

    with pytest.raises(CheckpointError) as error:
        newest_state(run, on_damaged=pytest.fail)

    assert len(error.value.problems) == 2


def test_pruning_keeps_the_last_the_best_and_those_needed(tmp_path):
    run = run_with(tmp_path, *(f"checkpoint_epoch_{epoch}.pt" for epoch in range(1, 8)))
    mark_best(run, run.epoch_checkpoint(2))
    write_checkpoint(run.last_state, checkpoint())

    removed = prune_checkpoints(run, 2, [run.epoch_checkpoint(4)])

    assert removed == [run.epoch_checkpoint(epoch) for epoch in (1, 3, 5)]
    assert sorted(path.name for path in run.checkpoints.iterdir()) == [
        "best_model.pt",
        *(f"checkpoint_epoch_{epoch}.pt" for epoch in (2, 4, 6, 7)),
        "last.pt",
    ]


def test_the_best_by_score_stays_as_the_best_by_loss_does(tmp_path):
    run = run_with(tmp_path, *(f"checkpoint_epoch_{epoch}.pt" for epoch in range(1, 5)))
    mark_best(run, run.epoch_checkpoint(1))
    run.best_by_score.hardlink_to(run.epoch_checkpoint(2))

    assert prune_checkpoints(run, 1, []) == [run.epoch_checkpoint(3)]


def test_pruning_fewer_than_it_keeps_removes_nothing(tmp_path):
    run = run_with(tmp_path, "checkpoint_epoch_1.pt", "checkpoint_epoch_2.pt")

    assert prune_checkpoints(run, 3, []) == []

from dataclasses import replace

import pytest
import torch

from escuta.run.checkpoints import Checkpoint, Progress, read_checkpoint
from escuta.run.events import EventLog, read_events
from escuta.run.folder import RunFolder
from escuta.run.staging import StagedTensors
from escuta.terminal import Terminal
from escuta.training.keeper import Keeper
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


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path)
    run.checkpoints.mkdir()
    return run


@pytest.fixture
def needed():
    return []


@pytest.fixture
def keeper(run, needed):
    writer = CheckpointWriter(12, 0, 1 << 30)
    keeper = Keeper(run, writer, keep_last=2, needed=lambda: needed, events=EventLog(run.events), terminal=Terminal())
    yield keeper
    keeper.close()


def at(epoch):
    return replace(CHECKPOINT, progress=Progress(epoch=epoch, step=4 * epoch))


def names(run):
    return sorted(path.name for path in run.checkpoints.iterdir())


def test_a_checkpoint_is_written_noted_and_told(run, keeper, capsys):
    weights = keeper.write(run.epoch_checkpoint(1), CHECKPOINT)
    assert StagedTensors(weights)["gpt.mel_head.bias"].tolist() == [0, 1, 2]
    assert list(read_events(run.events)) == []

    until(lambda: keeper.tell() or list(read_events(run.events)))

    assert read_checkpoint(run.epoch_checkpoint(1)).progress == CHECKPOINT.progress
    (event,) = read_events(run.events)
    del event["time"]
    assert 0 < event.pop("weights_seconds") <= event["stall_seconds"]
    assert event.pop("write_seconds") > 0
    assert event == {
        "event": "checkpoint",
        "file": "checkpoint_epoch_1.pt",
        "epoch": 1,
        "step": 4,
        "best": False,
        "stall_seconds": round(keeper.stall_seconds, 4),
    }
    assert keeper.stall_seconds > 0
    assert capsys.readouterr().out == "💾 Checkpoint saved: checkpoint_epoch_1.pt\n"
    assert names(run) == ["checkpoint_epoch_1.pt"]


def test_the_best_is_the_newest_best(run, keeper):
    keeper.write(run.epoch_checkpoint(1), at(1), best=True)
    keeper.write(run.epoch_checkpoint(2), at(2), best=True)
    keeper.write(run.epoch_checkpoint(3), at(3))
    keeper.tell(wait=True)

    assert read_checkpoint(run.best_checkpoint).progress.epoch == 2
    assert [e["best"] for e in read_events(run.events) if e["event"] == "checkpoint"] == [True, True, False]


def test_where_an_interrupted_training_was_is_forgotten_with_the_next_checkpoint(run, keeper):
    keeper.write(run.last_state, at(1))
    keeper.tell(wait=True)
    assert names(run) == ["last.pt"]

    keeper.write(run.epoch_checkpoint(2), at(2))
    keeper.tell(wait=True)

    assert names(run) == ["checkpoint_epoch_2.pt"]


def test_old_ones_are_removed_but_neither_the_best_nor_those_still_to_be_spoken(run, keeper, needed):
    needed.append(run.epoch_checkpoint(3))
    for epoch in range(1, 7):
        keeper.write(run.epoch_checkpoint(epoch), at(epoch), best=epoch == 2)
    keeper.tell(wait=True)

    assert names(run) == ["best_model.pt", *(f"checkpoint_epoch_{epoch}.pt" for epoch in (2, 3, 5, 6))]
    removed = [event["file"] for event in read_events(run.events) if event["event"] == "checkpoint_removed"]
    assert removed == ["checkpoint_epoch_1.pt", "checkpoint_epoch_4.pt"]
    needed.clear()
    keeper.write(run.epoch_checkpoint(7), at(7))
    keeper.tell(wait=True)
    assert names(run) == ["best_model.pt", *(f"checkpoint_epoch_{epoch}.pt" for epoch in (2, 6, 7))]


def test_what_is_on_its_way_is_waited_for_at_the_end(run, keeper):
    keeper.write(run.epoch_checkpoint(1), CHECKPOINT)

    keeper.close()

    assert names(run) == ["checkpoint_epoch_1.pt"]
    assert [event["event"] for event in read_events(run.events)] == ["checkpoint"]


def test_a_full_disk_says_so_and_costs_no_earlier_checkpoint(run, keeper):
    keeper.write(run.epoch_checkpoint(1), CHECKPOINT)
    keeper.tell(wait=True)
    keeper.write(run.path / "events.jsonl" / "a.pt", at(2))

    with pytest.raises(OSError, match=r"events\.jsonl"):
        keeper.tell(wait=True)

    assert names(run) == ["checkpoint_epoch_1.pt"]

import json
import math
from pathlib import Path

import pytest

from escuta.report.history import Epoch, History, Start, checkpoint_name, read_history
from escuta.run.events import EventLog


def test_a_run_without_events_has_an_empty_history(tmp_path: Path) -> None:
    assert read_history(tmp_path / "events.jsonl") == History()


def test_events_of_other_versions_and_torn_lines_are_passed_over(tmp_path: Path) -> None:
    lines = [
        {"event": "epoch", "epoch": "one", "val_loss": 1.0},
        {"event": "score", "name": "epoch_1"},
        {"event": "start"},
        {"event": "epoch", "epoch": 1, "step": None, "val_loss": "low"},
    ]
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + '[1]\n{"event": "start", "dev')
    history = read_history(path)
    assert history == History(epochs={1: Epoch(train_loss=None, val_loss=None, improved=False)})


def test_losses_that_are_no_numbers_are_none(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.write("epoch", {"epoch": 1, "step": 9, "train_loss": math.nan, "val_loss": math.inf, "improved": False})
    assert read_history(tmp_path / "events.jsonl").epochs == {1: Epoch(None, None, improved=False)}


def test_the_best_epoch_is_the_last_that_improved(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for epoch, improved in enumerate([False, True, True, False]):
        log.write("epoch", {"epoch": epoch, "step": epoch, "train_loss": 1.0, "val_loss": 1.0, "improved": improved})
    assert read_history(tmp_path / "events.jsonl").best_epoch == 2


def test_a_killed_start_counts_up_to_its_last_event(tmp_path: Path) -> None:
    lines = [
        {"event": "start", "time": 100.0, "device": "cpu"},
        {"event": "step", "time": 130.0, "step": 1},
        {"event": "start", "time": 900.0, "device": "cuda"},
        {"event": "checkpoint", "time": 905.0, "file": "last.pt", "step": 2, "stall_seconds": 0.5},
        {"event": "finished", "time": 911.0, "seconds": 10.5, "stall_seconds": 0.75},
    ]
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert read_history(path).starts == [
        Start(begun=100.0, device="cpu", seconds=30.0),
        Start(begun=900.0, device="cuda", seconds=10.5, stall_seconds=0.75, ended="finished"),
    ]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("checkpoint_epoch_12.pt", "epoch_12"),
        ("checkpoint_step_500.pt", "step_500"),
        ("best_model.pt", None),
        (".checkpoint_epoch_1.pt.x.partial", None),
    ],
)
def test_samples_are_named_after_their_checkpoint(file: str, name: str | None) -> None:
    assert checkpoint_name(file) == name


def test_lost_checkpoints_skipped_steps_and_the_best_by_score_are_known(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.write("checkpoint_failed", {"file": "checkpoint_epoch_1.pt", "reason": "the disk is full"})
    log.write("checkpoint_failed", {"file": "checkpoint_epoch_2.pt", "reason": "the disk is full"})
    log.write("checkpoint", {"file": "checkpoint_epoch_2.pt", "epoch": 2, "step": 20})
    for step in (3, 4):
        log.write("step_skipped", {"step": step, "epoch": 1, "loss": math.nan})
    log.write("best_by_score", {"name": "epoch_2", "epoch": 2, "reason": "closest voice"})
    history = read_history(tmp_path / "events.jsonl")
    assert history.lost_checkpoints == {"checkpoint_epoch_1.pt": "the disk is full"}
    assert (history.skipped_steps, history.best_by_score) == (2, ("epoch_2", "closest voice"))

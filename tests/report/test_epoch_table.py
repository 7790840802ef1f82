import json

import pytest

from escuta.report.epoch_table import epoch_table
from escuta.run.folder import RunFolder

EVENTS = (
    {"event": "epoch", "epoch": 0, "val_loss": 5.5, "train_loss": None},
    {"event": "sample_asked", "name": "epoch_0", "epoch": 0, "stall_seconds": 0.0},
    {"event": "step", "epoch": 1, "step": 1},
    {"event": "epoch", "epoch": 1, "val_loss": 4.25, "seconds": 12.34},
    {"event": "scored", "name": "epoch_0", "epoch": 0, "mean": {"speaker_similarity": 0.5}},
    {"event": "sample_asked", "name": "epoch_1", "epoch": 1, "stall_seconds": 0.002},
    {"event": "sample_asked", "name": "epoch_2", "epoch": 2, "stall_seconds": 0.002},
    {"event": "scored", "name": "step_3", "epoch": 1, "mean": {"speaker_similarity": 0.1}},
    {"event": "scored", "name": "epoch_1", "epoch": 1, "mean": {"speaker_similarity": 0.625}},
    {"event": "checkpoint", "epoch": 1, "stall_seconds": 0.05},
    {"event": "epoch", "epoch": 2, "val_loss": 4.5, "seconds": 11.0},
    {"event": "scored", "name": "epoch_2", "epoch": 2, "mean": {}},
    {"event": "finished", "epoch": 2, "seconds": 30.0},
)


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path)
    run.events.write_text("".join(json.dumps(event) + "\n" for event in EVENTS) + '{"event": "epo')
    return run


def test_every_epoch_has_its_line_and_the_lowest_loss_a_star(run):
    assert [line.split() for line in epoch_table(run)] == [
        ["epoch", "val_loss", "similarity", "seconds", "stall,", "ms"],
        ["0", "5.5000", "0.500", "–", "0"],
        ["1⭐", "4.2500", "0.625", "12.3", "52"],
        ["2", "4.5000", "–", "11.0", "2"],
    ]


def test_an_epoch_that_was_done_again_counts_as_it_was_done_last(run):
    again = {"event": "epoch", "epoch": 2, "val_loss": 4.0, "seconds": 9.0}
    run.events.write_text(run.events.read_text() + "\n" + json.dumps(again) + "\n")
    *_others, first, second = epoch_table(run)
    assert "⭐" not in first
    assert second.split()[:2] == ["2⭐", "4.0000"]


def test_a_run_without_events_has_no_epochs(tmp_path):
    assert len(epoch_table(RunFolder(tmp_path))) == 1

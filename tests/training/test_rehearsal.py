import re

import pytest

from escuta.errors import RunError
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from escuta.terminal import Terminal
from escuta.training import needs as needs_module
from escuta.training.rehearsal import rehearse


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def rehearsed(request_for, tmp_path, capsys):
    """Rehearse, and give what was said."""

    def rehearsed(**asked):
        rehearse(request_for(**({"data__cache": str(tmp_path / "cache")} | asked)), Terminal())
        return capsys.readouterr().out

    return rehearsed


def test_plan_memory_disk_and_time_are_told_and_nothing_is_written(rehearsed, tmp_path, quick_base):
    before = files(quick_base)

    said = rehearsed(sampling__mode="background")

    labels = re.findall(r"^  (\S[\w ]*?)  +\S", said, re.MULTILINE)
    assert labels == [
        *("Clips", "Learning", "Batches", "Learning rate", "Computing", "Speaking"),
        *("Memory", "Disk", "Features", "Time"),
    ]
    assert re.search(r"^  Features +of 10 clips, \d+ s at most$", said, re.MULTILINE)
    time = r"^  Time +about \d+ s, \d+ s an epoch \(a step of \d s of audio took \d+\.\d s here\)$"
    assert re.search(time, said, re.MULTILINE)
    assert said.endswith("This was a dry run: nothing was written. Leave --dry-run out to train.\n")
    assert list(tmp_path.iterdir()) == []
    assert files(quick_base) == before


def test_features_that_are_kept_are_not_computed_again(rehearsed, train, tmp_path, capsys):
    train(tmp_path / "earlier", training__epochs=1, data__cache=str(tmp_path / "cache"))
    cached = files(tmp_path / "cache")
    capsys.readouterr()

    said = rehearsed()

    assert "Features" not in said
    assert files(tmp_path / "cache") == cached


def test_a_run_that_is_resumed_stays_as_it_is(rehearsed, train, tmp_path):
    train(training__epochs=1)
    before = files(tmp_path / "run")

    said = rehearsed(resume=True, training__epochs=3)

    assert "2 of 3 epochs left x 4 steps" in said
    assert files(tmp_path / "run") == before


def test_a_run_that_is_there_is_a_reason_not_to_run(rehearsed, train):
    train(training__epochs=1)

    with pytest.raises(RunError, match="a run is already there"):
        rehearsed()


def test_too_little_room_is_a_reason_and_no_step_is_tried(request_for, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(needs_module, "_free_disk", lambda _folder: 1000)
    monkeypatch.setattr(needs_module, "_free_memory", lambda _assignment: 10**6)

    with pytest.raises(RunError) as refused:
        rehearse(request_for(data__cache=str(tmp_path / "cache")), Terminal())

    assert len(refused.value.problems) == 2
    said = capsys.readouterr().out
    assert "1 MB free" in said
    assert "Time" not in said


def test_what_was_told_is_what_happens(rehearsed, train, tmp_path):
    said = rehearsed(training__epochs=3, training__accumulation_steps=2)
    train(training__epochs=3, training__accumulation_steps=2)

    epochs, steps = map(int, re.search(r"Learning +(\d+) epochs x (\d+) steps", said).groups())
    taken = [event for event in read_events(RunFolder(tmp_path / "run").events) if event["event"] == "step"]
    assert len(taken) == epochs * steps

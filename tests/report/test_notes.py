import json
from pathlib import Path

import pytest

from escuta.data.checks import check
from escuta.report.history import read_history
from escuta.report.notes import data_problems, facts_line, is_running, notes, settings_rows
from escuta.report.records import read_facts
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from escuta.terminal import Terminal
from shown import begin_run, note_sample, start, write_facts
from sounds import make_dataset


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCUTA_LANG", "en")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return begin_run(tmp_path / "anna")


def told(run: RunFolder, **missing: str) -> list[tuple[str, str]]:
    return notes(read_facts(run.facts), read_history(run.events), missing, len(data_problems(run.log)))


def test_a_run_that_was_just_begun_tells_that_alone(run: RunFolder) -> None:
    assert told(run) == [("info", "Training has not begun.")]
    assert not is_running(read_history(run.events))


def test_a_random_base_is_told(run: RunFolder) -> None:
    write_facts(run, kind="random")
    assert told(run)[0] == ("warning", "The base model is random and knows no language: what it says is noise.")


def test_a_mode_that_did_not_work_is_told(run: RunFolder) -> None:
    start(run)
    EventLog(run.events).write("fallback", {"from": "inline", "to": "background", "reason": "0.2 GB are free"})
    assert ("warning", "Samples: mode inline did not work (0.2 GB are free); background took over.") in told(run)


def test_failures_are_told_first_and_each_reason_once(run: RunFolder) -> None:
    start(run)
    for epoch, reason in ((1, "it died"), (2, "it hung"), (3, "it died")):
        note_sample(run, f"epoch_{epoch}", epoch, "failed", reason)
    log = EventLog(run.events)
    log.write("checkpoint_failed", {"file": "checkpoint_epoch_1.pt", "reason": "the disk is full"})
    log.write("step_skipped", {"step": 4, "epoch": 1, "loss": None})
    assert told(run, naturalness="its weights are missing")[:4] == [
        ("problem", "checkpoint_epoch_1.pt could not be written: the disk is full"),
        ("problem", "3 samples failed: it died; it hung"),
        ("problem", "1 step was not taken, as its loss or gradient was no number; the weights stayed as they were."),
        ("warning", "Naturalness is not measured: its weights are missing"),
    ]


def test_the_end_says_how_much_training_was_held_up(run: RunFolder) -> None:
    begun = [
        {"event": "start", "time": 1000.0, "epoch": 0, "step": 0, "device": "cpu"},
        {"event": "checkpoint", "time": 1030.0, "file": "checkpoint_epoch_1.pt", "step": 10, "stall_seconds": 0.5},
        {"event": "sample_asked", "time": 1040.0, "name": "epoch_1", "step": 10, "stall_seconds": 0.1},
    ]
    run.events.write_text("".join(f"{json.dumps(event)}\n" for event in begun))
    going_on, stall = (text for _kind, text in told(run))
    assert going_on.startswith("Training was going on when this page was written")
    assert stall == "Checkpoints and samples held training up for 0.6 s of 40.0 s (1.5%)."
    assert is_running(read_history(run.events))
    end = {"epoch": 1, "step": 10, "seconds": 60.0, "stall_seconds": 1.5}
    EventLog(run.events).write("interrupted", end)
    assert told(run)[0] == ("info", "Training was interrupted; continue it with --resume.")
    start(run, epoch=1)
    EventLog(run.events).write("finished", end)
    assert told(run) == [
        ("info", "Training is finished."),
        ("info", "Checkpoints and samples held training up for 3.0 s of 2.0 min (2.5%)."),
    ]


def test_the_facts_are_a_line(run: RunFolder) -> None:
    start(run, device="cuda:1")
    line = facts_line(read_facts(run.facts), read_history(run.events))
    assert line[:5] == ["XTTS-v2", "pt", "57 clips, 8.2 min", "escuta 0.1.0", "cuda:1"]
    assert line[5].startswith("started ")


def test_settings_are_told_by_their_dotted_names(run: RunFolder) -> None:
    run.settings.write_text('language = "pt"\n[training]\nepochs = 3\ncompile = false\nranks = [1, 2]\n')
    assert settings_rows(run.settings) == [
        ("language", "pt"),
        ("training.epochs", "3"),
        ("training.compile", "false"),
        ("training.ranks", "[1, 2]"),
    ]


@pytest.mark.parametrize("content", [b"", b"[torn", b"\xff"])
def test_damaged_settings_are_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    assert settings_rows(path) == []
    assert settings_rows(tmp_path / "missing.toml") == []


def test_problems_of_the_data_are_told_as_training_told_them(run: RunFolder, tmp_path: Path) -> None:
    find_problems(make_dataset(tmp_path / "voice", 3), run)
    (line,) = data_problems(run.log)
    assert line.startswith("metadata.csv line 4: ")
    assert told(run)[0] == ("warning", "1 problem of the data is listed below.")


def find_problems(dataset: Path, run: RunFolder) -> None:
    """Say, twice, what is wrong with a dataset, as a training and its resumption do."""
    with (dataset / "metadata.csv").open("a") as file:
        file.write("audio_00099|Nobody recorded this.\n")
    for _time in range(2):
        terminal = Terminal()
        terminal.keep(run.log)
        terminal.say("Base model: XTTS-v2", *check(dataset).lines())

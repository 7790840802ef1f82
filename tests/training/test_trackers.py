import json
import shutil
import threading

import pytest

from boards import read_board
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from escuta.settings import Settings
from escuta.training import trackers as trackers_module
from escuta.training.trackers import Trackers, choose_trackers
from runs import until


class Diary:
    """Remembers what it is told, and fails when it is told to."""

    def __init__(self, fails_at=None):
        self.calls = []
        self.fails_at = fails_at

    def _note(self, *call):
        if call[0] == self.fails_at:
            raise ConnectionError("no network\nat all")
        self.calls.append(call)

    def begin(self, settings, step):
        self._note("begin", settings.seed, step)

    def numbers(self, values, step):
        self._note("numbers", dict(values), step)

    def sample(self, number, wav, text, step):
        self._note("sample", number, wav.name, text, step)

    def scores(self, values, step):
        self._note("scores", dict(values), step)

    def close(self):
        self._note("close")


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.samples.mkdir(parents=True)
    return run


@pytest.fixture
def told():
    return []


@pytest.fixture
def tracking(run, told):
    """Track with diaries, by name."""

    def tracking(**diaries):
        makers = {name: lambda _run, diary=diary: diary for name, diary in diaries.items()}
        return Trackers(makers, run, Settings(seed=7), told.append)

    return tracking


def test_numbers_of_steps_and_epochs_are_handed_over_under_their_own_names(tracking, run):
    diary = Diary()
    trackers = tracking(diary=diary)
    log = EventLog(run.events, trackers.note)

    log.write("start", {"epoch": 0, "step": 4, "device": "cpu"})
    log.write("step", {"step": 5, "epoch": 1, "loss": 2.5, "grad_norm": float("nan"), "loss_text": 1})
    log.write("checkpoint", {"step": 5, "write_seconds": 1.0})
    log.write("epoch", {"epoch": 1, "step": 5, "train_loss": 2.5, "val_loss": 2.0, "improved": True})
    trackers.close()

    assert diary.calls == [
        ("begin", 7, 4),
        ("numbers", {"step/loss": 2.5, "step/loss_text": 1.0}, 5),
        ("numbers", {"epoch/train_loss": 2.5, "epoch/val_loss": 2.0}, 5),
        ("close",),
    ]


def test_scores_are_handed_over_under_their_own_names_with_the_step_they_are_of(tracking):
    diary = Diary()
    trackers = tracking(diary=diary)
    trackers.note({"event": "scored", "name": "epoch_1", "epoch": 1, "step": 4, "mean": {"clipping": 0.0, "f0": 90.5}})
    trackers.close()

    assert diary.calls == [("scores", {"score/clipping": 0.0, "score/f0": 90.5}, 4), ("close",)]


def test_a_spoken_sample_is_handed_over_with_its_text(tracking, run):
    sentences = [
        {"file": "epoch_1_output.wav", "text": "Olá."},
        {"file": "epoch_1_output_02.wav", "text": "Boa noite."},
        {"file": "epoch_1_output_seed_1.wav", "text": "Olá.", "seed": 1},
    ]
    (run.samples / "epoch_1.json").write_text(json.dumps({"sentences": sentences}), encoding="utf-8")
    diary = Diary()
    trackers = tracking(diary=diary)

    trackers.note({"event": "sample", "status": "spoken", "name": "epoch_1", "step": 5})
    trackers.note({"event": "sample", "status": "failed", "name": "epoch_2", "step": 9})
    trackers.close()

    assert diary.calls == [
        ("sample", 1, "epoch_1_output.wav", "Olá.", 5),
        ("sample", 2, "epoch_1_output_02.wav", "Boa noite.", 5),
        ("close",),
    ]


@pytest.mark.parametrize("where", ["begin", "numbers", "close"])
def test_one_that_fails_is_told_of_once_and_the_others_go_on(tracking, told, where):
    failing, sound = Diary(fails_at=where), Diary()
    trackers = tracking(failing=failing, sound=sound)

    trackers.note({"event": "start", "step": 0})
    for step in (1, 2, 3):
        trackers.note({"event": "step", "step": step, "loss": 1.0})
    trackers.close()

    assert told == ["⚠️  Tracker failing failed (ConnectionError: no network); training goes on without it."]
    assert [call[0] for call in sound.calls] == ["begin", "numbers", "numbers", "numbers", "close"]


def test_one_that_does_not_answer_holds_nobody_up(tracking, told, monkeypatch):
    monkeypatch.setattr(trackers_module, "PATIENCE_SECONDS", 0.05)
    answered = threading.Event()
    slow = Diary()
    slow.numbers = lambda _values, _step: answered.wait(60)
    trackers = tracking(slow=slow)

    for step in range(trackers_module.MAX_WAITING + 10):
        trackers.note({"event": "step", "step": step, "loss": 1.0})
    trackers.close()

    assert told == ["⚠️  Not all of this training has reached slow."]
    answered.set()


def test_a_problem_is_told_by_who_notes_events_while_the_training_goes_on(tracking, told):
    trackers = tracking(failing=Diary(fails_at="numbers"))
    trackers.note({"event": "step", "step": 1, "loss": 1.0})

    until(lambda: trackers.note({"event": "checkpoint"}) or told)

    assert len(told) == 1
    trackers.close()


def test_without_trackers_nothing_happens(tracking):
    threads = threading.active_count()

    trackers = tracking()
    trackers.note({"event": "start", "step": 0})
    trackers.close()

    assert threading.active_count() == threads


def test_tensorboard_is_taken_unless_something_else_is_chosen(told):
    assert list(choose_trackers(None, told.append)) == ["tensorboard"]
    assert list(choose_trackers(["tensorboard"], told.append)) == ["tensorboard"]
    assert choose_trackers([], told.append) == {}
    assert told == []


def test_one_that_is_not_installed_costs_a_line(told, monkeypatch):
    monkeypatch.setattr(trackers_module, "find_spec", lambda _name: None)

    assert choose_trackers(None, told.append) == {}
    assert told == []
    assert choose_trackers(["comet_ml"], told.append) == {}
    assert told == [
        "⚠️  Tracker comet_ml is not installed; training goes on without it. Install it with: pip install comet-ml"
    ]


def test_a_training_is_on_the_board_with_its_samples_and_training_ends_though_one_tracker_fails(train, run, told):
    run.samples.rmdir()
    run.path.rmdir()

    train(sampling__mode="inline", sampling__num_sentences=1)

    board = read_board(run)
    events = [json.loads(line) for line in run.events.read_text(encoding="utf-8").splitlines()]
    losses = {event["step"]: event["loss"] for event in events if event["event"] == "step"}
    assert {one.step: one.value for one in board.Scalars("step/loss")} == pytest.approx(losses, rel=1e-6)
    val_losses = {event["step"]: event["val_loss"] for event in events if event["event"] == "epoch"}
    assert {one.step: one.value for one in board.Scalars("epoch/val_loss")} == pytest.approx(val_losses, rel=1e-6)
    assert {"step/learning_rate", "step/audio_per_second", "epoch/memory_gb", "epoch/train_loss"} <= {
        *board.Tags()["scalars"]
    }
    heard = {one.step: one.encoded_audio_string for one in board.Audio("sample/1")}
    assert heard == {
        step: (run.samples / f"{name}_output.wav").read_bytes()
        for name, step in (("epoch_0", 0), ("epoch_1", 4), ("epoch_2", 8))
    }


def test_a_board_that_cannot_be_written_costs_a_line(train, run, capsys):
    run.samples.rmdir()
    run.path.rmdir()
    train(training__epochs=1)
    shutil.rmtree(run.path / "tensorboard")
    (run.path / "tensorboard").write_text("a file")
    capsys.readouterr()

    outcome = train(training__epochs=2, resume=True)

    said = capsys.readouterr().out
    assert outcome.ended == "finished"
    assert said.count("Tracker tensorboard failed (FileExistsError: [Errno 17] File exists: ") == 1

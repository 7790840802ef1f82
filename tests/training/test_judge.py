import pytest

from escuta.errors import SettingsError
from escuta.run.events import EventLog, read_events
from escuta.run.folder import RunFolder
from escuta.scoring.best import BestByScore
from escuta.terminal import Terminal
from escuta.training.judge import Judge
from scored_samples import scored, write_scored


class Court:
    """A judge who hears all that is written down."""

    def __init__(self, run, **how):
        self.judge = Judge(BestByScore(run, **how), Terminal())
        self.events = EventLog(run.events, self.judge.hear)
        self.run = run

    def write(self, name, *, errors, val_loss=None, on_disk=True):
        if val_loss is not None:
            self.events.write("epoch", {"epoch": int(name.rpartition("_")[2]), "val_loss": val_loss})
        if on_disk:
            self.run.checkpoint(name).write_text(name)
        write_scored(self.run, scored(name, character_error_rate=errors))
        self.events.write("scored", {"name": name})

    def told(self):
        self.judge.tell(self.events)
        return [event["name"] for event in read_events(self.run.events) if event["event"] == "best_by_score"]


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path)
    run.checkpoints.mkdir()
    return run


def test_each_new_best_is_told_once(run, capsys):
    court = Court(run)
    assert court.judge.best_name is None
    assert court.told() == []

    court.write("epoch_1", errors=0.2)
    assert court.told() == court.told() == ["epoch_1"]
    court.write("epoch_2", errors=0.3)
    assert court.told() == ["epoch_1"]
    assert court.judge.epochs_in_vain() == 1
    court.write("epoch_3", errors=0.1)
    assert court.told() == ["epoch_1", "epoch_3"]

    assert court.judge.epochs_in_vain() == 0
    assert court.judge.best_name == "epoch_3"
    event = [event for event in read_events(run.events) if event["event"] == "best_by_score"][-1]
    assert (event["epoch"], event["step"]) == (3, 12)
    assert event["reason"] == "Character error rate is best at 0.100, beyond the noise"
    assert 0 < event["stall_seconds"] <= court.judge.stall_seconds
    assert f"⭐ Best by score: epoch_3 ({event['reason']})\n" in capsys.readouterr().out


def test_the_val_loss_of_an_epoch_decides_a_tie(run):
    court = Court(run)
    court.write("epoch_1", errors=0.1, val_loss=1.0)
    court.write("epoch_2", errors=0.1, val_loss=2.0)

    assert court.told() == ["epoch_1"]


def test_a_checkpoint_may_be_scored_before_it_is_on_disk(run):
    court = Court(run)
    court.write("epoch_1", errors=0.1, on_disk=False)
    assert court.told() == []

    run.checkpoint("epoch_1").write_text("whole")
    court.events.write("checkpoint", {"file": "checkpoint_epoch_1.pt"})

    assert court.told() == ["epoch_1"]
    assert court.judge.checkpoints_needed() == {run.checkpoint("epoch_1")}


def test_a_training_that_goes_on_knows_its_best_and_tells_it_no_second_time(run):
    first = Court(run)
    for name, errors in (("epoch_1", 0.1), ("epoch_2", 0.2), ("epoch_3", 0.3)):
        first.write(name, errors=errors)
    assert first.told() == ["epoch_1"]

    second = Court(run, keep_top=2)
    second.judge.recall()

    assert second.told() == ["epoch_1"]
    assert second.judge.epochs_in_vain() == 2
    assert second.judge.checkpoints_needed() == {run.checkpoint("epoch_1"), run.checkpoint("epoch_2")}


def test_a_rule_that_fails_or_a_disk_that_is_full_is_said_once_and_stops_nothing(run, capsys):
    def fail(_checkpoints, _yardstick):
        raise SettingsError("scores.rule 'a.py:b': failed (KeyError: 'x').")

    court = Court(run, rule=fail)
    for epoch in (1, 2):
        court.write(f"epoch_{epoch}", errors=0.1)
        assert court.told() == []
    assert capsys.readouterr().out == "⚠️  scores.rule 'a.py:b': failed (KeyError: 'x').\n"

    run.best_by_score_samples.parent.mkdir(exist_ok=True)
    run.best_by_score_samples.write_text("a file where a folder should be")
    court = Court(run)
    court.write("epoch_3", errors=0.1)
    assert court.told() == []
    assert "the best by score could not be kept" in capsys.readouterr().out

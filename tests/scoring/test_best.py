import json

import pytest

from escuta.errors import SettingsError
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from escuta.scoring.best import BestByScore, update
from escuta.scoring.rule import Choice
from scored_samples import scored, write_scored


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    return run


def add(run, name, errors, **more):
    """A checkpoint whose samples scored so."""
    if name != "epoch_0":
        run.checkpoint(name).write_text(name)
    write_scored(run, scored(name, character_error_rate=errors, **more))


def kept(run):
    return sorted(path.name for path in run.best_by_score_samples.iterdir())


def files_of(run, name):
    return sorted(path.name for path in run.samples.glob(f"{name}[._]*"))


def test_the_best_has_names_of_its_own_and_they_follow_it(run):
    add(run, "epoch_1", 0.2)
    best = BestByScore(run)
    best.scored("epoch_1")

    assert best.choose().best.name == "epoch_1"

    assert run.best_by_score.samefile(run.checkpoint("epoch_1"))
    assert kept(run) == files_of(run, "epoch_1")
    add(run, "epoch_2", 0.1)
    best.scored("epoch_2")
    assert best.choose() == best.choice
    assert best.choice.best.name == "epoch_2"
    assert run.best_by_score.samefile(run.checkpoint("epoch_2"))
    assert kept(run) == files_of(run, "epoch_2")
    assert best.choose() is None  # nothing new


def test_a_worse_one_changes_nothing(run):
    add(run, "epoch_1", 0.1)
    add(run, "epoch_2", 0.2)
    best = BestByScore(run)
    best.read()

    assert best.choose().best.name == "epoch_1"
    assert best.scored_since() == 1


def test_the_sample_that_is_spoken_again_with_further_seeds_is_kept_as_it_is_now(run):
    add(run, "epoch_1", 0.1)
    best = BestByScore(run)
    best.scored("epoch_1")
    best.choose()

    add(run, "epoch_1", [(0.1, 0.2)] * 8)
    best.scored("epoch_1")

    assert best.choose() is None
    assert len(kept(run)) == 16 + 3
    assert kept(run) == files_of(run, "epoch_1")


def test_neither_the_base_nor_what_is_gone_is_the_best(run):
    add(run, "epoch_0", 0.0)
    add(run, "epoch_1", 0.1)
    add(run, "epoch_2", 0.2)
    run.checkpoint("epoch_1").unlink()

    assert update(run).best.name == "epoch_2"
    run.checkpoint("epoch_2").unlink()
    assert update(run) is None


def test_later_scoring_finds_what_there_is_and_says_so_once(run):
    log = EventLog(run.events)
    for epoch, val_loss in ((1, 2.0), (2, 1.0), (3, 3.0)):
        log.write("epoch", {"epoch": epoch, "step": 4 * epoch, "val_loss": val_loss, "improved": True})
        add(run, f"epoch_{epoch}", 0.1)
    (run.samples / "held_out.scores.json").write_text('{"files": []}')

    assert update(run).best.name == "epoch_2"  # the lowest val_loss of equals
    assert update(run) is None
    assert run.best_by_score.samefile(run.epoch_checkpoint(2))


def test_the_noise_of_the_base_counts(run):
    add(run, "epoch_0", [(0.0, 0.4)] * 8)  # so large that 0.1 is as good as 0.15
    add(run, "epoch_1", 0.1, naturalness=3.0)
    add(run, "epoch_2", 0.15, naturalness=4.0)

    assert update(run).best.name == "epoch_2"


def test_as_many_as_asked_for_are_kept_for_their_scores(run):
    for epoch, errors in enumerate([0.3, 0.1, 0.4, 0.2], 1):
        add(run, f"epoch_{epoch}", errors)
    best = BestByScore(run, keep_top=3)
    best.read()

    best.choose()

    assert best.top == tuple(run.epoch_checkpoint(epoch) for epoch in (2, 4, 1))


def test_a_sample_that_is_being_made_anew_is_not_kept_in_part(run):
    add(run, "epoch_1", 0.1)
    (run.samples / "epoch_1.json").unlink()

    assert update(run).best.name == "epoch_1"
    assert not run.best_by_score_samples.exists()


@pytest.mark.parametrize("name", ["../../secret.wav", "sub/../../../secret.wav"])
def test_a_record_names_no_files_elsewhere(run, name):
    add(run, "epoch_1", 0.1)
    (run.path.parent / "secret.wav").write_text("secret")
    record = run.samples / "epoch_1.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"reference": name}))

    update(run)

    assert not run.best_by_score_samples.exists()


def test_a_rule_of_ones_own_chooses_and_its_failure_changes_nothing(run):
    add(run, "epoch_1", 0.1)
    add(run, "epoch_2", 0.2)

    def fail(checkpoints, yardstick):
        raise SettingsError("scores.rule 'a.py:b': failed.")

    assert update(run, lambda checkpoints, _yardstick: Choice(max(checkpoints, key=_step), "newest")).reason == "newest"
    with pytest.raises(SettingsError):
        update(run, fail)
    assert run.best_by_score.samefile(run.epoch_checkpoint(2))


def _step(one):
    return one.step

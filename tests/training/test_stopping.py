import pytest

from escuta.run.checkpoints import Progress
from escuta.settings import TrainingSettings
from escuta.training.stopping import Clock, Urge, out_of_patience, why_ended


class Time:
    minutes = 0.0

    def __call__(self):
        return 60 * self.minutes


@pytest.fixture
def time():
    return Time()


def test_the_state_is_saved_again_and_again_counted_from_the_last_time(time):
    clock = Clock(TrainingSettings(save_state_minutes=10), time)
    assert clock.urge(asked=False) is Urge.GO_ON
    time.minutes = 10
    assert clock.urge(asked=False) is Urge.SAVE

    clock.saved()

    assert clock.urge(asked=False) is Urge.GO_ON
    time.minutes = 19.9
    assert clock.urge(asked=False) is Urge.GO_ON
    time.minutes = 20
    assert clock.urge(asked=False) is Urge.SAVE


def test_time_is_up_when_it_is_up_but_who_asks_comes_first(time):
    clock = Clock(TrainingSettings(max_minutes=30), time)
    time.minutes = 29.9
    clock.saved()
    assert clock.urge(asked=False) is Urge.GO_ON
    time.minutes = 30

    assert clock.urge(asked=False) is Urge.MINUTES
    assert clock.urge(asked=True) is Urge.ASKED


@pytest.mark.parametrize(
    ("epoch", "best", "patience", "out"),
    [(3, 1, 2, True), (3, 2, 2, False), (3, 1, None, False), (2, None, 2, True), (1, None, 2, False), (4, 4, 1, False)],
)
def test_patience_counts_epochs_without_improvement(epoch, best, patience, out):
    training = TrainingSettings(patience=patience)

    assert out_of_patience(Progress(epoch=epoch, best_epoch=best), training) is out
    assert out_of_patience(Progress(epoch=epoch, best_epoch=best), training, scored_in_vain=9) is out


@pytest.mark.parametrize(("in_vain", "patience", "out"), [(2, 2, True), (1, 2, False), (0, 1, False), (5, None, False)])
def test_patience_for_scores_counts_what_was_scored_in_vain(in_vain, patience, out):
    training = TrainingSettings(patience=patience, stop_on="score")

    assert out_of_patience(Progress(epoch=9, best_epoch=1), training, scored_in_vain=in_vain) is out


@pytest.mark.parametrize(
    ("epoch", "urge", "in_vain", "reason"),
    [
        (2, Urge.GO_ON, False, None),
        (2, Urge.SAVE, False, None),
        (2, Urge.MINUTES, False, "minutes"),
        (2, Urge.ASKED, False, "asked"),
        (3, Urge.MINUTES, True, "patience"),
        (4, Urge.ASKED, True, "epochs"),
    ],
)
def test_why_a_training_ends(epoch, urge, in_vain, reason):
    assert why_ended(Progress(epoch=epoch), TrainingSettings(epochs=4), urge, in_vain=in_vain) == reason


def test_an_epoch_that_was_begun_is_ended():
    progress = Progress(epoch=3, micro_steps_in_epoch=2)

    assert why_ended(progress, TrainingSettings(epochs=4), Urge.GO_ON, in_vain=True) is None

import itertools

import pytest

from escuta.settings import SamplingSettings, TrainingSettings
from escuta.training.due import Due, due_after_epoch, speak_after_step


def due(epoch, *, improved=False, save_every=1, epochs=6, **sampling):
    training = TrainingSettings(epochs=epochs, save_every_n_epochs=save_every)
    return due_after_epoch(epoch, improved=improved, training=training, sampling=SamplingSettings(**sampling))


@pytest.mark.parametrize(
    ("asked", "saved", "spoken"),
    [
        ({}, [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]),
        ({"save_every": 2}, [2, 4, 6], [2, 4, 6]),
        ({"save_every": 4}, [4, 6], [4, 6]),
        ({"save_every": 9}, [6], [6]),
        ({"every_n_epochs": 2}, [1, 2, 3, 4, 5, 6], [2, 4, 6]),
        ({"every_n_epochs": 4}, [1, 2, 3, 4, 5, 6], [4, 6]),
        ({"save_every": 2, "every_n_epochs": 3}, [2, 3, 4, 6], [3, 6]),
        ({"save_every": 9, "every_n_epochs": 1}, [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]),
        ({"mode": "off"}, [1, 2, 3, 4, 5, 6], []),
        ({"mode": "off", "save_every": 4, "every_n_epochs": 1}, [4, 6], []),
    ],
)
def test_epochs_without_improvement(asked, saved, spoken):
    table = {epoch: due(epoch, **asked) for epoch in range(1, 7)}

    assert [epoch for epoch, one in table.items() if one.save] == saved
    assert [epoch for epoch, one in table.items() if one.speak] == spoken


def test_an_improvement_is_saved_and_spoken():
    assert due(1, improved=True, save_every=9) == Due(save=True, speak=True)


def test_an_improvement_is_not_spoken_where_that_is_not_wanted():
    assert due(1, improved=True, save_every=9, best_samples=False) == Due(save=True, speak=False)
    assert due(1, improved=True, save_every=9, mode="off") == Due(save=True, speak=False)


def test_what_is_spoken_is_saved_and_the_last_epoch_always_is():
    choices = itertools.product(
        range(1, 7), [True, False], [1, 2, 4, 9], [None, 1, 2, 4, 9], [True, False], ["background", "inline", "off"]
    )
    for epoch, improved, save_every, every, best, mode in choices:
        found = due(epoch, improved=improved, save_every=save_every, every_n_epochs=every, best_samples=best, mode=mode)
        assert found.save or not found.speak
        assert found.save or (epoch < 6 and not improved)
        assert found.speak == (mode != "off") or epoch < 6


def test_steps_within_an_epoch():
    every_third = SamplingSettings(every_n_steps=3)

    assert [step for step in range(1, 10) if speak_after_step(step, every_third)] == [3, 6, 9]
    assert not any(speak_after_step(step, SamplingSettings()) for step in range(1, 10))
    assert not any(speak_after_step(step, SamplingSettings(every_n_steps=3, mode="off")) for step in range(1, 10))


def test_the_last_epoch_is_saved_and_spoken_wherever_it_comes():
    training, sampling = TrainingSettings(epochs=6, save_every_n_epochs=9), SamplingSettings(every_n_epochs=5)

    assert due_after_epoch(3, improved=False, training=training, sampling=sampling) == Due(save=False, speak=False)
    assert due_after_epoch(3, improved=False, training=training, sampling=sampling, last=True) == Due(True, True)

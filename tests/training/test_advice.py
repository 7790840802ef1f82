import pytest

from escuta.settings import Settings, TrainingSettings, load_settings, settings_toml
from escuta.training.advice import LORA_FACTOR, WARM_UP_STEPS, advise, epochs_for, steps_an_epoch


def clips(n, seconds=6.0):
    return [seconds] * n


def test_the_fewer_minutes_the_more_often_each_is_heard_within_bounds():
    assert [epochs_for(minutes) for minutes in (0.1, 6, 40, 60, 80, 400, 6000)] == [10, 10, 10, 7, 5, 3, 3]


def test_a_short_training_is_not_spent_warming_up_and_a_long_one_warms_up_until_adamw_knows_its_moments():
    def warm_up(num_clips, processes=1):
        return advise(Settings(), clips(num_clips), processes)[0].training.warmup_steps

    assert [warm_up(n) for n in (4, 57, 400, 4000)] == [2, 29, WARM_UP_STEPS, WARM_UP_STEPS]
    assert WARM_UP_STEPS == 50
    assert warm_up(400, processes=8) == warm_up(50)


def test_what_was_given_stays_though_it_is_the_default():
    given = Settings(training=TrainingSettings(epochs=10, warmup_steps=0, learning_rate=5e-6, lora_rank=8))

    assert advise(given, clips(9000)) == (given, ())


def test_what_was_advised_is_named_and_is_not_advised_again():
    settings, advised = advise(Settings(), clips(1000))

    assert advised == ("epochs", "warmup_steps")
    assert (settings.training.epochs, settings.training.learning_rate) == (4, 5e-6)
    assert advise(settings, clips(3)) == (settings, ())


def test_a_run_that_is_resumed_keeps_what_was_advised(tmp_path):
    settings, _ = advise(Settings(), clips(1000))
    file = tmp_path / "settings.toml"
    file.write_text(settings_toml(settings), encoding="utf-8")

    assert advise(load_settings(file, environment={}), clips(3)) == (settings, ())


def test_low_rank_additions_learn_faster():
    settings, advised = advise(Settings(training=TrainingSettings(lora_rank=16)), clips(57))

    assert settings.training.learning_rate == LORA_FACTOR * 5e-6
    assert "learning_rate" in advised


@pytest.mark.parametrize(("accumulation", "steps"), [(1, 29), (4, 8), (84, 1)])
def test_steps_are_batches_over_what_is_accumulated(accumulation, steps):
    assert steps_an_epoch(clips(57), TrainingSettings(accumulation_steps=accumulation), seed=0) == steps

import pytest
import torch

from escuta.run.events import read_events
from escuta.sampling.memory import own_bytes
from escuta.training.pace import Lap, Pace, duration, epoch_words, memory_gb, step_words


class Clock:
    """Shows what it is set to."""

    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


def steps(pace, clock, *seconds, clips=(2.0, 4.0)):
    laps = []
    for one in seconds:
        clock.seconds += one
        laps.append(pace.note(clips))
    return laps


def test_a_step_tells_how_much_was_learned_in_its_time(clock):
    pace = Pace(clock)
    clock.seconds += 50  # a validation
    pace.begin_epoch()

    (lap,) = steps(pace, clock, 3.0)

    assert lap == Lap(clips=2, audio_seconds=6.0, seconds=3.0)
    assert (lap.clips_per_second, lap.audio_per_second) == (2 / 3, 2.0)
    assert Lap().clips_per_second == Lap().audio_per_second == 0.0


def test_an_epoch_is_the_sum_of_its_steps_and_of_no_others(clock):
    pace = Pace(clock)
    steps(pace, clock, 9.0)
    pace.begin_epoch()

    steps(pace, clock, 1.0, 2.0)

    assert pace.epoch == Lap(clips=4, audio_seconds=12.0, seconds=3.0)


def test_what_is_left_is_told_from_all_but_the_first_step_and_with_what_comes_between_epochs(clock):
    pace = Pace(clock)
    assert pace.seconds_left(60.0) is None
    steps(pace, clock, 500.0)
    assert pace.seconds_left(60.0) is None

    steps(pace, clock, 3.0)
    assert pace.seconds_left(60.0) == pytest.approx(30.0)

    clock.seconds += 3.0  # a validation
    pace.begin_epoch()
    assert pace.seconds_left(60.0) == pytest.approx(60.0)


def test_beside_the_bar_stands_what_one_wants_to_know(clock):
    pace = Pace(clock)
    steps(pace, clock, 1.0)
    assert step_words(2.34567, pace, 600.0) == "loss 2.346  2.00 clips/s"

    steps(pace, clock, 1.0)
    assert step_words(2.34567, pace, 600.0) == "loss 2.346  2 min to the end  2.00 clips/s"


def test_an_epoch_ends_with_its_numbers():
    lap = Lap(clips=57, audio_seconds=300.0, seconds=30.0)

    words = epoch_words(lap, 5e-6, {"memory_gb": 7.94}, 120.0)
    assert words == "lr 5e-06, 1.90 clips/s (10.0 s of audio/s), 7.9 GB, 2 min to the end"

    on_gpu = epoch_words(lap, 5e-6, {"memory_gb": 2.0, "gpu_memory_gb": 8.51}, None)
    assert on_gpu == "lr 5e-06, 1.90 clips/s (10.0 s of audio/s), 2.0 GB, 8.5 GB on the GPU"
    assert epoch_words(lap, 5e-6, {"memory_gb": 2.0}, 0.0).endswith("2.0 GB")  # the last epoch


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "0 s"),
        (99.4, "99 s"),
        (100.0, "2 min"),
        (5969, "99 min"),
        (6000, "1 h 40 min"),
        (7199, "2 h 00 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_a_duration_is_said_as_people_say_it(seconds, said):
    assert duration(seconds) == said


def test_memory_is_the_most_that_was_ever_taken(tmp_path):
    ballast = bytearray(200_000_000)
    with_ballast = own_bytes() / 1e9
    del ballast

    taken = memory_gb(torch.device("cpu"))

    assert taken.keys() == {"memory_gb"}
    assert taken["memory_gb"] >= with_ballast - 0.01
    assert memory_gb(torch.device("cpu"), root=tmp_path) == {"memory_gb": 0.0}  # a system that does not say


def test_train_and_validation_loss_are_on_one_scale_however_many_micro_steps_make_a_step(train, tmp_path):
    learns_nothing = {"training__epochs": 1, "training__learning_rate": 1e-30, "training__batch_size": 1}
    losses = {}
    for accumulation in (1, 4):
        run = tmp_path / f"every-{accumulation}"
        train(run, training__accumulation_steps=accumulation, **learns_nothing)
        events = [event for event in read_events(run / "events.jsonl") if event["event"] == "epoch"]
        losses[accumulation] = events[-1]["train_loss"]
        assert events[-1]["train_loss"] == pytest.approx(events[-1]["val_loss"], rel=0.05)

    assert losses[4] == pytest.approx(losses[1], rel=0.02)


def test_every_step_and_epoch_tells_its_pace(train, tmp_path):
    train(training__epochs=2)

    events = list(read_events(tmp_path / "run" / "events.jsonl"))
    steps = [event for event in events if event["event"] == "step"]
    (_base, first, last) = (event for event in events if event["event"] == "epoch")
    assert all(event["clips_per_second"] > 0 and event["audio_per_second"] > 0 for event in steps)
    assert {event["learning_rate"] for event in steps} == {first["learning_rate"]} == {1e-4}
    assert first["seconds_left"] > last["seconds_left"] == 0
    assert 0.1 < first["memory_gb"] <= last["memory_gb"]

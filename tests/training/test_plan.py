import re
from dataclasses import replace

import pytest

from escuta.data.batches import epoch_batches, padding_share
from escuta.terminal import Terminal
from escuta.training.plan import aligned, padded_seconds, plan, plan_rows
from escuta.training.request import assign


@pytest.fixture
def assignment(request_for):
    def assignment(**asked):
        return assign(request_for(**asked), Terminal())

    return assignment


def test_a_training_is_counted(assignment):
    asked = assignment(training__epochs=5, sampling__mode="background")
    seconds = [clip.seconds for clip in asked.dataset.train]

    counted = plan(asked)

    assert counted.batches == epoch_batches(seconds, asked.batch_limits, seed=0, epoch=1)
    assert (counted.steps, counted.epochs_left, counted.saved, counted.spoken) == (4, 5, 5, 6)
    assert counted.padded_seconds == pytest.approx(sum(padded_seconds(batch, seconds) for batch in counted.batches))
    assert padded_seconds(counted.longest, seconds) == max(padded_seconds(batch, seconds) for batch in counted.batches)


@pytest.mark.parametrize(
    ("asked", "saved", "spoken"),
    [
        ({"sampling__mode": "off"}, 6, 0),
        ({"training__save_every_n_epochs": 4}, 2, 3),
        ({"sampling__every_n_epochs": 3}, 6, 3),
        ({"sampling__every_n_steps": 3}, 12, 13),
    ],
)
def test_who_speaks_when_is_counted(assignment, asked, saved, spoken):
    counted = plan(assignment(**{"training__epochs": 6, "sampling__mode": "background", **asked}))

    assert (counted.saved, counted.spoken) == (saved, spoken)


def test_several_processes_share_the_steps(assignment):
    assert plan(replace(assignment(), processes=2)).steps == 2


def test_a_resumed_run_is_told_what_is_left(assignment, train):
    train(training__epochs=1)
    asked = assignment(resume=True, training__epochs=3, sampling__mode="background")

    counted = plan(asked)

    assert (counted.epochs_left, counted.spoken) == (2, 2)
    assert ("Learning", "2 of 3 epochs left x 4 steps") in plan_rows(asked, counted)


def test_people_are_told_what_will_happen(assignment):
    asked = assignment(sampling__mode="background", training__batch_seconds=8, training__precision="fp32")
    counted = plan(asked)
    share = padding_share(counted.batches, counted.clip_seconds)

    assert plan_rows(asked, counted) == [
        ("Clips", "8 (0.2 min), 2 held out"),
        ("Learning", "2 epochs x 4 steps"),
        ("Batches", f"4 an epoch, up to 2 clips and 8 s, {share:.1%} padding"),
        ("Learning rate", "0.0001"),
        ("Computing", "fp32 on cpu, 1 thread"),
        ("Speaking", "background, 3 x 1 sentence"),
    ]
    assert ("Speaking", "nobody (off)") in plan_rows(assignment(), plan(assignment()))


def test_the_rate_of_a_decoder_is_told_beside_the_others(assignment):
    asked = assignment(training__decoder_learning_rate=2e-3)

    assert dict(plan_rows(asked, plan(asked)))["Learning rate"].endswith("; the decoder 0.002")


def test_what_nobody_chose_is_marked(assignment):
    asked = assignment(training__epochs=100, training__lora_rank=8)
    rows = dict(plan_rows(asked, plan(asked)))

    assert rows["Learning rate"] == "0.0001 after 40 steps of warm-up (advised)"
    assert rows["LoRA"] == "rank 8"
    assert "advised" not in rows["Learning"]


def test_the_columns_are_aligned():
    assert aligned([("a", "one"), ("longer", "two")]) == ["  a       one", "  longer  two"]


def test_the_plan_is_shown_when_a_training_begins(train, capsys):
    train(training__epochs=1)

    said = capsys.readouterr().out
    assert re.search(r"^Run folder: .*run\n  Clips +8 \(0\.2 min\), 2 held out\n  Learning ", said, re.MULTILINE)

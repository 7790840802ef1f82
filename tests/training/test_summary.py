from pathlib import Path

import pytest

from escuta.run.checkpoints import Progress
from escuta.run.folder import RunFolder
from escuta.training.loop import Outcome
from escuta.training.summary import summary

RUN = RunFolder(Path("my-run"))


def test_a_finished_training_says_what_was_best_and_where_everything_is():
    progress = Progress(epoch=3, step=120, best_val_loss=1.23456, best_epoch=2)

    assert summary(RUN, Outcome("epochs", progress, seconds=600.0, sample_seconds=0.42, checkpoint_seconds=1.25)) == [
        "Training finished: 3 epochs, 120 steps.",
        "Samples cost 0.4 s of 10.0 min, checkpoints 1.2 s.",
        "Best: epoch 2, val_loss 1.2346 (my-run/checkpoints/best_model.pt)",
        "Samples: my-run/samples",
        "Report:  my-run/report.html",
    ]


@pytest.mark.parametrize(
    ("reason", "ended", "line"),
    [
        ("asked", "interrupted", "Training interrupted at epoch 0, step 7. Continue it with --resume."),
        (
            "minutes",
            "finished",
            "Training ended at epoch 0, step 7: its time is up (training.max_minutes). Continue it with --resume.",
        ),
        (
            "patience",
            "finished",
            "Training ended after epoch 0, step 7: nothing better came any more (training.patience).",
        ),
    ],
)
def test_it_says_why_it_ended_and_how_to_go_on(reason, ended, line):
    outcome = Outcome(reason, Progress(step=7, micro_steps_in_epoch=7), 89.0, 0.0, 0.0)

    assert outcome.ended == ended
    assert summary(RUN, outcome) == [
        line,
        "Samples cost 0.0 s of 89.0 s, checkpoints 0.0 s.",
        "Samples: my-run/samples",
        "Report:  my-run/report.html",
    ]

import json
import math
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from escuta.errors import RunError, WeightsError
from escuta.models.xtts.weights import load_weights, save_base
from escuta.run.checkpoints import list_checkpoints, read_checkpoint
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from escuta.sampling.fingerprint import fingerprint
from escuta.terminal import Terminal
from escuta.training import loop
from escuta.training.stopping import Clock


def events(run, *kinds):
    return [event for event in read_events(run.events) if event["event"] in kinds]


def weights(path):
    return fingerprint(read_checkpoint(path).model)


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def test_epochs_of_steps_a_validation_and_a_checkpoint(train, run):
    outcome = train()

    assert (outcome.ended, outcome.progress.epoch, outcome.progress.step) == ("finished", 2, 8)
    assert outcome.progress.micro_steps_in_epoch == 0
    assert 0 < outcome.checkpoint_seconds < outcome.seconds
    assert 0 < outcome.sample_seconds < outcome.seconds
    kinds = [event["event"] for event in read_events(run.events)]
    an_epoch = [*["step"] * 4, "epoch"]
    assert [kind for kind in kinds if kind != "checkpoint"] == ["start", "epoch", *an_epoch, *an_epoch, "finished"]
    assert kinds.count("checkpoint") == 2  # each at some time after its epoch
    assert [event["step"] for event in events(run, "step")] == list(range(1, 9))
    losses = [event["loss"] for event in events(run, "step")]
    base, first, second = events(run, "epoch")
    assert (base["epoch"], base["train_loss"], base["improved"]) == (0, None, False)
    assert first["train_loss"] == pytest.approx(sum(losses[:4]) / 4)
    assert second["train_loss"] == pytest.approx(sum(losses[4:]) / 4)
    assert base["val_loss"] > first["val_loss"] > second["val_loss"]
    assert first["improved"]
    assert second["improved"]
    last = read_checkpoint(run.epoch_checkpoint(2))
    assert (last.progress, last.val_loss) == (outcome.progress, second["val_loss"])
    assert (last.progress.best_epoch, last.progress.best_val_loss) == (2, second["val_loss"])
    assert run.best_checkpoint.samefile(run.epoch_checkpoint(2))


def test_micro_steps_make_a_step_and_the_rest_of_an_epoch_is_one_too(train, run):
    outcome = train(training__epochs=1, training__accumulation_steps=3)

    assert outcome.progress.step == 2  # four batches: three and one
    assert [event["step"] for event in events(run, "step")] == [1, 2]


def test_the_same_seed_trains_the_same_weights_and_another_one_others(train, tmp_path):
    for name, seed in [("a", 0), ("b", 0), ("c", 1)]:
        train(tmp_path / name, training__epochs=1, seed=seed)

    first, again, other = (weights(tmp_path / name / "checkpoints" / "checkpoint_epoch_1.pt") for name in "abc")
    assert first == again != other


@pytest.mark.parametrize("steps", [1, 6, 7])
def test_ctrl_c_within_an_epoch_loses_nothing(train, typist, run, tmp_path, steps):
    outcome = train(terminal=typist(steps))

    assert (outcome.ended, outcome.progress.step) == ("interrupted", steps)
    assert outcome.progress.micro_steps_in_epoch == steps % 4
    assert read_checkpoint(run.last_state).progress == outcome.progress
    assert events(run, "interrupted")[0]["step"] == steps

    resumed = train(resume=True)

    assert (resumed.ended, resumed.progress.step) == ("finished", 8)
    assert not run.last_state.exists()
    train(tmp_path / "uninterrupted")
    assert weights(run.epoch_checkpoint(2)) == weights(tmp_path / "uninterrupted/checkpoints/checkpoint_epoch_2.pt")
    losses = {event["step"]: event["loss"] for event in events(run, "step")}
    straight = events(RunFolder(tmp_path / "uninterrupted"), "step")
    assert losses == {event["step"]: event["loss"] for event in straight}


def test_ctrl_c_at_the_end_of_an_epoch_that_is_not_saved_loses_nothing(train, typist, run, tmp_path):
    learns_nothing = {"training__learning_rate": 1e-30, "training__save_every_n_epochs": 9, "training__epochs": 3}
    outcome = train(terminal=typist(8), **learns_nothing)

    assert [event["improved"] for event in events(run, "epoch")] == [False, True, False]
    assert [path.name for path in list_checkpoints(run)] == ["checkpoint_epoch_1.pt"]
    assert (outcome.ended, outcome.progress.epoch, outcome.progress.step) == ("interrupted", 2, 8)
    assert read_checkpoint(run.last_state).progress == outcome.progress

    train(resume=True, **learns_nothing)

    train(tmp_path / "uninterrupted", **learns_nothing)
    assert weights(run.epoch_checkpoint(3)) == weights(tmp_path / "uninterrupted/checkpoints/checkpoint_epoch_3.pt")


def test_interrupted_before_anything_was_learned_there_is_nothing_to_save(train, run, tmp_path):
    class Hasty(Terminal):
        """Somebody presses Ctrl-C when the features of three clips are computed."""

        @contextmanager
        def progress(self, title, total):
            numbers = iter(range(1, total + 1))

            def advance_and_interrupt(_words):
                if title == "Features" and next(numbers) == 3:
                    signal.raise_signal(signal.SIGINT)

            with super().progress(title, total):
                yield advance_and_interrupt

    cache = tmp_path / "cache"

    outcome = train(terminal=Hasty(), data__cache=str(cache))

    assert (outcome.ended, outcome.progress.step) == ("interrupted", 0)
    assert list(run.checkpoints.iterdir()) == []
    assert len(list(cache.rglob("*.safetensors"))) == 3
    assert train(resume=True, training__epochs=1, data__cache=str(cache)).ended == "finished"
    assert len(list(cache.rglob("*.safetensors"))) == 10


def test_a_finished_run_is_taken_further(train, run):
    train(training__epochs=1)

    outcome = train(resume=True, training__epochs=3)

    assert (outcome.ended, outcome.progress.epoch, outcome.progress.step) == ("finished", 3, 12)
    assert len(events(run, "epoch")) == 4  # the base model is met once


def test_a_finished_run_has_nothing_left_to_do(train, run):
    train(training__epochs=1)
    before = weights(run.epoch_checkpoint(1))

    outcome = train(resume=True, training__epochs=1)

    assert (outcome.ended, outcome.progress.step) == ("finished", 4)
    assert weights(run.epoch_checkpoint(1)) == before


def test_without_improvement_patience_ends_it_saved_and_heard(train, run):
    asked = {"training__epochs": 9, "training__save_every_n_epochs": 9, "training__patience": 2}
    outcome = train(training__learning_rate=1e-30, sampling__mode="inline", sampling__best_samples=False, **asked)

    assert (outcome.ended, outcome.reason, outcome.progress.epoch) == ("finished", "patience", 3)
    assert run.epoch_checkpoint(3).exists()
    assert [event["name"] for event in events(run, "sample")] == ["epoch_0", "epoch_3"]
    assert events(run, "finished")[0]["reason"] == "patience"

    again = train(training__learning_rate=1e-30, resume=True, **asked)

    assert (again.reason, again.progress.step) == ("patience", 12)


def test_when_the_time_is_up_what_was_learned_is_saved_and_heard_and_goes_on_later(train, run, tmp_path, monkeypatch):
    outcome = train(training__max_minutes=1e-9, sampling__mode="inline")
    assert (outcome.reason, outcome.progress.step) == ("minutes", 0)

    class Late(Terminal):
        """Five steps take an hour."""

        @contextmanager
        def progress(self, title, total):
            with super().progress(title, total) as advance:
                yield lambda words: (hours.append(1), advance(words))

    hours = []
    monkeypatch.setattr(loop, "Clock", lambda training: Clock(training, lambda: 720 * len(hours)))
    outcome = train(resume=True, terminal=Late(), training__max_minutes=59, sampling__mode="inline")

    assert (outcome.ended, outcome.reason) == ("finished", "minutes")
    step = outcome.progress.step
    assert step == 5
    last = max(list_checkpoints(run), key=lambda path: read_checkpoint(path).progress.step)
    assert read_checkpoint(last).progress == outcome.progress
    assert events(run, "sample")[-1]["step"] == step

    assert train(resume=True).reason == "epochs"
    train(tmp_path / "straight")
    assert weights(run.epoch_checkpoint(2)) == weights(tmp_path / "straight/checkpoints/checkpoint_epoch_2.pt")


def test_a_schedule_goes_on_where_it_was(train, typist, run, tmp_path):
    asked = {"training__schedule": "cosine", "training__warmup_steps": 2}
    train(terminal=typist(5), **asked)
    train(resume=True, **asked)
    train(tmp_path / "straight", **asked)

    straight = RunFolder(tmp_path / "straight")
    rates = [[event["learning_rate"] for event in events(one, "step")] for one in (run, straight)]
    assert rates[0] == rates[1]
    assert rates[0][0] < rates[0][1] < rates[0][2] == 1e-4 > rates[0][3] > rates[0][7] > 0
    assert weights(run.epoch_checkpoint(2)) == weights(straight.epoch_checkpoint(2))


def test_every_checkpoint_tells_what_it_cost(train, run):
    train(sampling__mode="inline", sampling__every_n_steps=3)

    for event in events(run, "checkpoint"):
        assert 0 < event["weights_seconds"] <= event["stall_seconds"]
        assert event["write_seconds"] > 0
    assert len(events(run, "checkpoint")) == 4


def test_an_epoch_that_was_left_goes_on_in_its_own_order_or_begins_anew(train, typist, run, capsys):
    train(terminal=typist(6))
    with pytest.raises(RunError, match="was left within epoch 2, and clips would be learned in another order now"):
        train(resume=True, training__batch_size=1)
    with pytest.raises(RunError, match="--accept-changed-data"):
        train(resume=True, seed=5)

    outcome = train(resume=True, accept=True, training__batch_size=1)

    assert "⚠️  Epoch 2 begins anew: its clips have changed.\n" in capsys.readouterr().out
    assert outcome.progress.step == 6 + 8


def test_best_model_names_the_best_although_a_kill_came_between_the_two(train, run):
    train(training__epochs=1)
    run.best_checkpoint.unlink()

    train(resume=True, training__epochs=1)

    assert run.best_checkpoint.samefile(run.epoch_checkpoint(1))


def test_a_base_with_nan_is_refused_by_the_name_of_its_tensor(train, quick_base, tmp_path):
    weights = load_weights(quick_base)
    broken = weights.tensors["gpt.mel_head.bias"].clone()
    broken[3] = math.nan
    tensors = {**weights.tensors, "gpt.mel_head.bias": broken}
    save_base(tmp_path / "base", weights.config, tensors, weights.files.vocab.read_text(encoding="utf-8"))

    with pytest.raises(WeightsError) as refused:
        train(base=str(tmp_path / "base"))

    assert str(refused.value) == (
        f"{tmp_path}/base: tensor gpt.mel_head.bias holds NaN or infinity; expected numbers. Choose another."
    )


def test_old_checkpoints_make_room_but_the_best_stays(train, run):
    train(training__epochs=4, training__keep_last=1, training__learning_rate=1e-30)  # so the first is the best

    assert [path.name for path in list_checkpoints(run)] == ["checkpoint_epoch_1.pt", "checkpoint_epoch_4.pt"]
    assert run.best_checkpoint.samefile(run.epoch_checkpoint(1))


def test_what_was_resumed_from_gives_its_disk_back_when_it_is_removed(train, run):
    train(training__epochs=1)
    maps = []

    train(resume=True, on_news=lambda _run: maps.append(Path("/proc/self/maps").read_text()))

    assert len(maps) > 1
    assert not [held for held in maps if str(run.checkpoints) in held]


def test_no_checkpoint_is_removed_before_it_has_spoken_wherever_the_run_is_named_from(train, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    run = RunFolder(tmp_path / "here")

    train(Path("here"), training__epochs=4, training__keep_last=1, sampling__mode="background")

    assert {event["status"] for event in events(run, "sample")} == {"spoken"}
    for epoch in range(1, 5):
        about = json.loads((run.samples / f"epoch_{epoch}.json").read_text())
        assert about["checkpoint"] == f"checkpoint_epoch_{epoch}.pt"


def test_steps_within_an_epoch_speak_too(train, run):
    train(training__epochs=2, sampling__mode="inline", sampling__every_n_steps=3, sampling__num_sentences=1)

    assert {path.name for path in list_checkpoints(run)} == {
        *("checkpoint_step_6.pt", "checkpoint_epoch_1.pt", "checkpoint_epoch_2.pt")  # the last three
    }
    assert [event["name"] for event in events(run, "sample")] == ["epoch_0", "step_3", "epoch_1", "step_6", "epoch_2"]
    about = json.loads((run.samples / "step_6.json").read_text())
    assert (about["epoch"], about["step"]) == (2, 6)
    assert about["weights"] == weights(run.checkpoint("step_6"))
    assert read_checkpoint(run.checkpoint("step_6")).progress.micro_steps_in_epoch == 2


def test_a_run_continues_from_within_an_epoch(train, run, tmp_path):
    speaking = {"sampling__mode": "inline", "sampling__every_n_steps": 3, "sampling__num_sentences": 1}
    train(**speaking)
    run.epoch_checkpoint(2).unlink()
    run.best_checkpoint.unlink()

    train(resume=True, **speaking)

    train(tmp_path / "straight")
    assert weights(run.epoch_checkpoint(2)) == weights(tmp_path / "straight/checkpoints/checkpoint_epoch_2.pt")


def test_speaking_in_the_training_process_changes_nothing_about_training(train, tmp_path):
    train(tmp_path / "silent", training__epochs=1)
    train(tmp_path / "inline", training__epochs=1, sampling__mode="inline", sampling__every_n_steps=1)

    silent, inline = (tmp_path / name / "checkpoints/checkpoint_epoch_1.pt" for name in ("silent", "inline"))
    assert weights(silent) == weights(inline)
    assert torch.equal(read_checkpoint(silent).random_state["cpu"], read_checkpoint(inline).random_state["cpu"])


def test_what_an_earlier_start_did_not_live_to_hear_is_spoken_after_it_resumes(train, typist, run):
    train(terminal=typist(5), sampling__mode="background")  # interrupted while the child still imports torch

    train(resume=True, sampling__mode="isolated")

    assert [event["name"] for event in events(run, "sample")] == ["epoch_0", "epoch_1", "epoch_2"]
    assert {path.name for path in run.best_samples.glob("*.json")} == {"epoch_2.json"}
    spoken = {path.stem: json.loads(path.read_text())["weights"] for path in run.samples.glob("*.json")}
    assert spoken["epoch_1"] == weights(run.epoch_checkpoint(1))
    assert spoken["epoch_2"] == weights(run.epoch_checkpoint(2))
    assert len(set(spoken.values())) == 3


def test_what_is_past_is_not_spoken_with_the_weights_of_the_moment(train, typist, run):
    train(terminal=typist(5), sampling__mode="background")

    train(resume=True, sampling__mode="inline")

    assert [event["name"] for event in events(run, "sample")] == ["epoch_2"]


def test_weights_that_say_nothing_but_nan_stop_the_training_and_are_not_saved(train, run):
    train(training__epochs=1)
    before = {path: path.read_bytes() for path in run.checkpoints.iterdir()}

    with pytest.raises(RunError) as stopped:
        train(resume=True, training__epochs=3, training__learning_rate=1e30)

    assert str(stopped.value) == (
        "epoch 2: val_loss is nan; expected a number. These weights were not saved: lower training.learning_rate and "
        "continue from the last checkpoint with --resume."
    )
    assert {path: path.read_bytes() for path in run.checkpoints.iterdir()} == before
    assert [event["step"] for event in events(run, "step_skipped")] == [6, 7, 8]
    assert train(resume=True, training__epochs=3).ended == "finished"
    assert all(math.isfinite(event["val_loss"]) for event in events(run, "epoch"))


def test_too_many_steps_without_a_finite_loss_stop_the_training(train, run):
    with pytest.raises(RunError) as stopped:
        train(training__learning_rate=1e30, training__max_bad_steps=2, training__batch_size=1)

    assert str(stopped.value) == (
        "step 3: 2 steps in a row without a finite loss; expected numbers. Lower training.learning_rate and continue "
        "from the last checkpoint with --resume."
    )
    assert list(run.checkpoints.iterdir()) == []
    skipped = events(run, "step_skipped")
    assert [event["loss"] for event in skipped] == [None, None]


def test_a_step_that_was_not_taken_is_neither_saved_nor_spoken(train, run):
    with pytest.raises(RunError):
        train(training__learning_rate=1e30, sampling__mode="inline", sampling__every_n_steps=2)

    assert list_checkpoints(run) == []


def test_news_that_cannot_be_shown_do_not_stop_the_training(train, capsys):
    def fail(_run):
        raise PermissionError(13, "Permission denied", "report.html")

    assert train(training__epochs=1, on_news=fail).ended == "finished"
    assert "⚠️  The report could not be written: [Errno 13] Permission denied: 'report.html'" in capsys.readouterr().out


def test_there_is_news_after_every_checkpoint_and_every_sample_and_at_the_end(train, run):
    news = []

    train(sampling__mode="inline", on_news=lambda run: news.append(list(read_events(run.events))[-1]["event"]))

    assert news == ["sample", *["sample", "sample"] * 2, "finished"]

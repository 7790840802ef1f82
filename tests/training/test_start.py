import gc
import platform
import shutil
import tomllib
from pathlib import Path

import pytest
import torch

import escuta
from escuta.errors import RunError
from escuta.models.load import model_fingerprint
from escuta.models.xtts.dvae import Dvae
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from escuta.settings import load_settings
from escuta.terminal import Terminal
from escuta.training import start as start_module
from escuta.training.start import start


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def test_what_was_asked_and_what_ran_is_written_down(train, run, request_for, quick_base, dataset):
    asked = {"training__epochs": 1, "training__warmup_steps": 2, "sampling__num_sentences": 1}
    train(**asked)

    assert load_settings(run.settings) == request_for(**asked).settings
    assert tomllib.loads(run.settings.read_text())["training"]["epochs"] == 1
    facts = run.read_facts()
    assert facts.pop("started")[:2] == "20"
    assert len(facts["dataset"].pop("fingerprint")) == 64
    assert len(facts["dataset"].pop("held_out")) == 2
    assert facts["dataset"].pop("minutes") == pytest.approx(13.5 / 60, abs=0.03)
    (sentence,) = facts.pop("sentences")
    assert sentence.keys() == {"text", "source"}
    assert facts.pop("reference").endswith(".wav")
    assert sentence["text"] != facts.pop("reference_text")
    assert facts == {
        "escuta": escuta.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": facts["machine"],
        "language": "en",
        "base": {
            "title": quick_base.name,
            "kind": "folder",
            "folder": str(quick_base),
            "fingerprint": model_fingerprint(quick_base),
        },
        "dataset": {"folder": str(dataset), "clips": 8},
    }


def test_a_run_stopped_while_its_folder_is_laid_out_is_resumed(train, run, monkeypatch):
    def press_ctrl_c(*_file):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(start_module, "publish_text", press_ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            train(training__epochs=1)

    assert train(training__epochs=1, resume=True).ended == "finished"
    assert run.settings.exists()


def test_the_log_has_what_the_terminal_showed(train, run, capsys):
    train(training__epochs=1)

    assert run.log.read_text(encoding="utf-8") == capsys.readouterr().out
    assert run.log.read_text(encoding="utf-8").startswith("Base model: ")


def test_a_fresh_start_moves_the_earlier_run_aside(train, run, tmp_path, capsys):
    train(training__epochs=1)
    before = run.events.read_bytes()

    for number in (1, 2):
        train(fresh=True, training__epochs=1)
        assert f"The earlier run is now in {tmp_path}/run.old-{number}." in capsys.readouterr().out

    assert (tmp_path / "run.old-1" / "events.jsonl").read_bytes() == before
    assert [event["event"] for event in read_events(run.events)].count("start") == 1


def test_a_run_that_is_training_is_neither_moved_aside_nor_resumed(train, run, tmp_path):
    train(training__epochs=1)
    message = (
        f"{run.path}: in use by another process, a training or `escuta sample`. Wait for it, or name another folder."
    )

    with run.in_use():
        for asked in ({"fresh": True}, {"resume": True}):
            with pytest.raises(RunError) as refused:
                train(training__epochs=2, **asked)
            assert str(refused.value) == message

    assert not (tmp_path / "run.old-1").exists()
    assert len([event for event in read_events(run.events) if event["event"] == "start"]) == 1


def test_other_clips_under_a_resumed_run_are_refused_until_the_user_accepts_them(train, run, dataset, tmp_path, capsys):
    data = tmp_path / "data"
    shutil.copytree(dataset, data)
    train(data=data, training__epochs=1)
    metadata = data / "metadata.csv"
    lines = metadata.read_text().splitlines()
    metadata.write_text("\n".join([lines[0] + "!", *lines[2:]]))
    kept = {path: path.read_bytes() for path in (run.facts, run.clips, run.settings, run.events)}

    with pytest.raises(RunError) as refused:
        train(data=data, resume=True, training__epochs=1)

    assert refused.value.problems[:3] == (
        f"{run.path}: the clips are not those this run began with. Put them back, or go on with what is there now: "
        "--accept-changed-data.",
        f"{run.path}: clips removed: audio_00002",
        f"{run.path}: clips whose text or recording was edited: audio_00001",
    )
    assert {path: path.read_bytes() for path in kept} == kept
    capsys.readouterr()

    train(data=data, resume=True, accept=True, training__epochs=1)

    warning = "⚠️  The dataset is not the one this run began with; training goes on with it as it is now."
    assert warning in capsys.readouterr().out
    train(data=data, resume=True, training__epochs=1)  # they are its clips from now on
    assert warning not in capsys.readouterr().out


def test_a_run_that_kept_no_list_of_its_clips_refuses_other_ones_too(train, run, dataset, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(dataset, data)
    train(data=data, training__epochs=1)
    run.clips.unlink()
    metadata = data / "metadata.csv"
    metadata.write_text(metadata.read_text().replace(".\n", "!\n"))

    with pytest.raises(RunError, match="--accept-changed-data") as refused:
        train(data=data, resume=True, training__epochs=1)

    assert len(refused.value.problems) == 1


def test_training_touches_neither_recordings_nor_the_dvae(train, run, dataset, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(dataset, data)
    untouched, dvaes = tmp_path / "untouched", []

    def take_recordings_away(_run):
        if data.exists():
            data.rename(untouched)
        gc.collect()
        dvaes.extend(one for one in gc.get_objects() if type(one) is Dvae)

    train(data=data, training__epochs=1)
    train(tmp_path / "taken", data=data, on_news=take_recordings_away)
    train(tmp_path / "straight", data=untouched)

    assert not data.exists()
    assert dvaes == []
    taken, straight = (RunFolder(tmp_path / name) for name in ("taken", "straight"))
    losses = [
        [event["loss"] for event in read_events(one.events) if event["event"] == "step"] for one in (taken, straight)
    ]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 8


def test_a_mode_that_does_not_work_is_replaced_and_that_is_told_and_noted(
    request_for, run, random_base, tmp_path, monkeypatch, capsys
):
    base = tmp_path / "base"
    shutil.copytree(random_base, base)
    make_speakers = start_module.make_speakers

    def lose_the_base(*arguments, **options):
        """The base model is taken away once the training has read it: no other process can."""
        (base / "model.safetensors").unlink()
        return make_speakers(*arguments, **options)

    monkeypatch.setattr(start_module, "make_speakers", lose_the_base)

    outcome = start(
        request_for(base=str(base), training__epochs=1, sampling__mode="background"), Terminal(), lambda _run: None
    )

    assert outcome.ended == "finished"
    changes = [event for event in read_events(run.events) if event["event"] == "fallback"]
    assert [(change["from"], change["to"]) for change in changes] == [("background", "isolated"), ("isolated", "off")]
    said = capsys.readouterr().out
    for change in changes:
        assert "model.safetensors" in change["reason"] or str(base) in change["reason"]
        assert (
            f"⚠️  Samples: mode {change['from']} does not work here ({change['reason']}); "
            f"going on with {change['to']}." in said
        )
    samples = [event for event in read_events(run.events) if event["event"] == "sample"]
    assert {(sample["status"], sample["reason"]) for sample in samples} == {("skipped", "nobody speaks any more")}


def test_when_training_fails_nobody_is_left_speaking(train, run):
    def children():
        return [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]

    before = children()
    with pytest.raises(RunError):
        train(training__learning_rate=1e30, sampling__mode="background")

    assert children() == before

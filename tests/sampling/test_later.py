import json
import os

import pytest

from escuta.errors import CheckpointError, RunError
from escuta.models.base import Generation
from escuta.models.load import load_model
from escuta.run.checkpoints import Progress
from escuta.run.folder import RunFolder
from escuta.sampling.later import choose_checkpoints, sample_name, speak_later
from escuta.sampling.speaking import Voice
from escuta.settings import SamplingSettings, Settings, settings_toml
from escuta.terminal import Terminal
from runs import SENTENCES, make_checkpoint, make_job, make_reference


@pytest.fixture
def run(quick_base, tmp_path):
    """A run of two epochs, the second the best, and a checkpoint within the third; nothing is spoken yet."""
    run = RunFolder(tmp_path / "run")
    settings = Settings(seed=7, language="en", sampling=SamplingSettings(top_k=30, sample_rate=24000))
    run.samples.mkdir(parents=True)
    run.settings.write_text(settings_toml(settings))
    run.write_facts(
        {
            "language": "en",
            "base": {"folder": str(quick_base)},
            "sentences": [{"text": text, "source": "audio_00001"} for text in SENTENCES],
            "reference": str(make_reference(tmp_path / "voice.wav")),
        }
    )
    make_checkpoint(run.epoch_checkpoint(1), quick_base, scale=1.01, progress=Progress(epoch=1, step=4))
    make_checkpoint(run.epoch_checkpoint(2), quick_base, scale=1.02, progress=Progress(epoch=2, step=8))
    make_checkpoint(
        run.checkpoint("step_10"),
        quick_base,
        scale=1.03,
        progress=Progress(epoch=2, step=10, micro_steps_in_epoch=2),
    )
    for age, path in enumerate([run.checkpoint("step_10"), run.epoch_checkpoint(2), run.epoch_checkpoint(1)]):
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    os.link(run.epoch_checkpoint(2), run.best_checkpoint)
    return run


def chosen(run, *, every=False, missing=False, names=()):
    return choose_checkpoints(run, every=every, missing=missing, names=names)


def test_all_are_the_base_and_every_checkpoint_oldest_first(run):
    assert chosen(run, every=True) == [
        ("epoch_0", None),
        ("epoch_1", run.epoch_checkpoint(1)),
        ("epoch_2", run.epoch_checkpoint(2)),
        ("step_10", run.checkpoint("step_10")),
    ]


def test_missing_are_those_without_a_sample(run):
    for name in ("epoch_0", "step_10"):
        (run.samples / f"{name}.json").write_text("{}")

    assert [name for name, _path in chosen(run, missing=True)] == ["epoch_1", "epoch_2"]
    assert [name for name, _path in chosen(run, every=True, missing=True)] == ["epoch_1", "epoch_2"]


def test_names_are_files_or_names_in_the_run(run, tmp_path):
    elsewhere = tmp_path / "kept.pt"
    os.link(run.epoch_checkpoint(1), elsewhere)

    assert chosen(run, names=["checkpoint_step_10.pt", str(elsewhere), "best_model.pt"]) == [
        ("step_10", run.checkpoint("step_10")),
        ("epoch_1", elsewhere),
        ("epoch_2", run.best_checkpoint),
    ]
    assert chosen(run) == []


def test_a_name_that_is_not_there_is_refused_with_those_that_are(run):
    with pytest.raises(CheckpointError) as refusal:
        chosen(run, names=["checkpoint_epoch_9.pt"])

    assert str(refusal.value).startswith("checkpoint_epoch_9.pt: not found")
    assert "checkpoint_epoch_1.pt, checkpoint_epoch_2.pt, checkpoint_step_10.pt, best_model.pt" in str(refusal.value)


def test_a_sample_is_named_after_its_checkpoint_or_what_that_says_it_is(run, tmp_path):
    within = tmp_path / "last.pt"
    os.link(run.checkpoint("step_10"), within)

    assert sample_name(run.epoch_checkpoint(2)) == "epoch_2"
    assert sample_name(run.checkpoint("step_10")) == "step_10"
    assert sample_name(run.best_checkpoint) == "epoch_2"
    assert sample_name(within) == "step_10"


def test_what_is_spoken_later_is_what_was_spoken_then(run, quick_base, tmp_path):
    failed = speak_later(run, chosen(run, every=True), device="cpu", terminal=Terminal())

    assert failed == []
    names = {path.name for path in run.samples.glob("*.json")}
    assert names == {"epoch_0.json", "epoch_1.json", "epoch_2.json", "step_10.json"}
    assert {path.name for path in run.best_samples.iterdir()} == {
        *("epoch_2.json", "epoch_2_output.wav", "epoch_2_output_02.wav", "epoch_2_reference.wav")
    }
    about = json.loads((run.samples / "step_10.json").read_text())
    assert (about["mode"], about["epoch"], about["step"], about["seed"]) == ("later", 3, 10, 7)
    then = make_job(
        tmp_path,
        name="epoch_1",
        checkpoint=run.epoch_checkpoint(1),
        sentences=SENTENCES,
        seed=7,
        generation=Generation(top_k=30),
        sample_rate=24000,
    )
    Voice(load_model(quick_base, uses=["speaking"]), "background").speak(then)
    for name in ("epoch_1_output.wav", "epoch_1_output_02.wav", "epoch_1_reference.wav"):
        assert (run.samples / name).read_bytes() == (then.folder / name).read_bytes()


def test_a_checkpoint_that_cannot_be_used_fails_alone(run):
    run.epoch_checkpoint(1).write_bytes(b"nothing")

    (failed,) = speak_later(run, chosen(run, missing=True), device="cpu", terminal=Terminal())

    assert (failed.name, failed.status) == ("epoch_1", "failed")
    assert failed.reason.startswith(f"{run.epoch_checkpoint(1)}: ")
    assert {path.name for path in run.samples.glob("*.json")} == {"epoch_0.json", "epoch_2.json", "step_10.json"}


def test_nothing_to_speak_is_said(run, capsys):
    assert speak_later(run, [], device="cpu", terminal=Terminal()) == []

    assert capsys.readouterr().out == "Nothing to speak: every checkpoint has its sample.\n"


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"no run\.json"):
        speak_later(RunFolder(tmp_path), [("epoch_0", None)], device="cpu", terminal=Terminal())


def test_a_run_that_does_not_say_what_it_speaks_is_refused(run):
    facts = run.read_facts()
    del facts["sentences"]
    run.write_facts(facts)

    with pytest.raises(RunError) as refusal:
        speak_later(run, [("epoch_0", None)], device="cpu", terminal=Terminal())

    assert str(refusal.value) == f"{run.facts}: lacks the sentences of the run; expected what a training wrote."

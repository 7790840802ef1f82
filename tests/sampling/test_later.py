import json
import os
import re
import shutil

import pytest

from escuta.errors import CheckpointError, RunError
from escuta.models.base import Generation
from escuta.models.load import load_model
from escuta.run.checkpoints import Progress
from escuta.run.folder import RunFolder
from escuta.sampling.claims import Claims
from escuta.sampling.later import choose_checkpoints, sample_name, speak_later
from escuta.sampling.rank import Rank
from escuta.sampling.recital import Wish
from escuta.sampling.speaking import Voice
from escuta.settings import SamplingSettings, ScoreSettings, Settings, settings_toml
from escuta.terminal import Terminal
from runs import SENTENCES, make_checkpoint, make_job, make_run


@pytest.fixture
def run(quick_base, tmp_path):
    """A run of two epochs, the second the best, and a checkpoint within the third; nothing is spoken yet."""
    run = make_run(tmp_path / "run", quick_base, epochs=2)
    sampling = SamplingSettings(top_k=30, sample_rate=24000)
    settings = Settings(seed=7, language="en", sampling=sampling, scores=ScoreSettings(enabled=False))
    run.settings.write_text(settings_toml(settings))
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


def speak(run, *, rank=None, **wish):
    return speak_later(run, chosen(run, every=True), Wish(**wish), Terminal(), rank or Rank())


def said_to_be_made(text):
    return re.findall(r"^✅ (\w+): [\d.]+ s of audio", text, re.MULTILINE)


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


def test_missing_are_looked_for_where_they_would_go(run, tmp_path):
    (tmp_path / "epoch_1.json").write_text("{}")

    there = choose_checkpoints(run, every=False, missing=True, names=[], samples=tmp_path)

    assert [name for name, _path in there] == ["epoch_0", "epoch_2", "step_10"]


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
    assert speak(run) == []

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


def test_every_sample_is_told_in_a_line_and_all_of_them_in_another(run, capsys):
    speak(run)

    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "🎤 Generating audio samples (after training, CPU): 4",
        "   📝 Text from metadata: 'Good evening.'",
        "   Reference: voice.wav",
    ]
    assert said_to_be_made("\n".join(lines)) == ["epoch_0", "epoch_1", "epoch_2", "step_10"]
    assert [line.endswith(" ⭐") for line in lines[3:7]] == [False, False, True, False]
    assert re.fullmatch(r"4 samples: \d+\.\d s of audio in \d+\.\d s, real-time factor \d+\.\d\d", lines[7])
    assert len(lines) == 8


def test_it_goes_on_where_it_stopped(run, capsys):
    speak(run)
    before = {path: path.stat().st_mtime_ns for path in run.samples.glob("epoch_[01]*")}
    (run.samples / "epoch_2.json").unlink()
    (run.samples / "step_10_output_02.wav").unlink()
    capsys.readouterr()

    assert speak(run) == []

    text = capsys.readouterr().out
    assert text.startswith("🎤 Generating audio samples (after training, CPU): 2\n   Up to date: 2\n")
    assert said_to_be_made(text) == ["epoch_2", "step_10"]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_nothing_is_made_when_all_is_up_to_date(run, capsys):
    speak(run)
    capsys.readouterr()

    assert speak(run) == []

    assert capsys.readouterr().out == (
        "Nothing to speak: every sample is up to date. Have them made anew with --again.\n"
    )


def test_all_can_be_made_again(run, capsys):
    speak(run)
    then = {path.name: path.read_bytes() for path in run.samples.glob("*.wav")}
    capsys.readouterr()

    assert speak(run, again=True) == []

    assert said_to_be_made(capsys.readouterr().out) == ["epoch_0", "epoch_1", "epoch_2", "step_10"]
    assert {path.name: path.read_bytes() for path in run.samples.glob("*.wav")} == then


def test_samples_in_another_precision_are_made_anew(run, capsys):
    speak(run, precision="exact")
    capsys.readouterr()
    speak(run, precision="exact")
    assert said_to_be_made(capsys.readouterr().out) == []

    speak(run, precision="bf16")

    assert len(said_to_be_made(capsys.readouterr().out)) == 4
    assert json.loads((run.samples / "epoch_1.json").read_text())["precision"]["asked"] == "bf16"


def test_a_copied_run_is_looked_through_and_not_spoken(run, tmp_path, capsys):
    speak(run)
    copied = RunFolder(tmp_path / "copied")
    shutil.copytree(run.path, copied.path)
    capsys.readouterr()

    assert speak(copied) == []

    text = capsys.readouterr().out
    assert said_to_be_made(text) == []
    assert re.findall(r"^✅ (\w+): up to date$", text, re.MULTILINE) == ["epoch_1", "epoch_2", "step_10"]


def test_a_checkpoint_that_cannot_be_used_fails_alone(run, capsys):
    run.epoch_checkpoint(1).write_bytes(b"nothing")

    assert speak(run) == ["epoch_1"]

    assert {path.name for path in run.samples.glob("*.json")} == {"epoch_0.json", "epoch_2.json", "step_10.json"}
    text = capsys.readouterr().out
    assert f"❌ Error generating sample epoch_1: {run.epoch_checkpoint(1)}: damaged" in text
    assert text.endswith("\n❌ Not spoken: epoch_1\n")


def test_what_another_process_is_at_is_waited_for_and_not_made_twice(run, capsys):
    """The other one is this process's twin: locks of two open files exclude each other within a process, too."""
    claims = Claims(run.samples)
    with claims.take("epoch_0", wait=False) as of_base, claims.take("epoch_1", wait=False) as of_first:
        of_base.note("failed")
        of_first.note("spoken")
    for name in (".epoch_0.claim", ".epoch_1.claim"):
        os.utime(run.samples / name, (4_000_000_000, 4_000_000_000))  # while this one is at work

    assert speak(run) == ["epoch_0"]

    assert said_to_be_made(capsys.readouterr().out) == ["epoch_2", "step_10"]


def test_one_of_many_says_what_it_makes_and_nothing_else(run, capsys):
    run.epoch_checkpoint(1).write_bytes(b"nothing")

    assert speak(run, rank=Rank(1, 2)) == ["epoch_1"]

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        *(
            "✅ epoch_0",
            "✅ epoch_2",
            "✅ step_10",
            "❌ Error generating sample epoch_1",
        )  # the damaged file is the newest
    ]


def test_a_finished_job_leaves_no_trace_of_itself(run):
    run.epoch_checkpoint(1).write_bytes(b"nothing")
    (run.samples / ".epoch_2.claim").touch()  # of a killed process
    speak(run)

    assert list(run.samples.glob(".*")) == []


def test_nothing_to_speak_is_said(run, capsys):
    assert speak_later(run, [], Wish(), Terminal(), Rank()) == []

    assert capsys.readouterr().out == "Nothing to speak: every checkpoint has its sample.\n"


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"no run\.json"):
        speak_later(RunFolder(tmp_path), [("epoch_0", None)], Wish(), Terminal(), Rank())

"""Whole trainings from the command line: what they leave on disk, and what a kill at any instant leaves."""

import json
import os
import shutil
import signal

import pytest
import soundfile

from commands import children, escuta, gone, start_escuta
from escuta.models.load import load_model
from escuta.run.checkpoints import list_checkpoints, read_checkpoint
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from escuta.sampling.fingerprint import fingerprint
from runs import until

SETTINGS = ("training.device=cpu", "training.batch_size=1", "training.learning_rate=1e-4", "sampling.num_sentences=1")
ENDINGS = (".json", "_output.wav", "_reference.wav")
"""Of the files of one sample."""

SPEAKER = "escuta.sampling.worker"


@pytest.fixture(scope="module")
def command(dataset, quick_base):
    """The arguments of a training of two epochs."""

    def command(run, *more, epochs=2, settings=SETTINGS):
        asked = ["--base", quick_base, "--language", "en", "--epochs", str(epochs)]
        chosen = [word for setting in settings for word in ("--set", setting)]
        return ["train", dataset, "--out", run.path, *asked, *chosen, *more]

    return command


@pytest.fixture(scope="module")
def straight(command, tmp_path_factory):
    """A run of two epochs that nobody disturbed."""
    run = RunFolder(tmp_path_factory.mktemp("straight") / "run")
    done = escuta(*command(run))
    assert (done.returncode, done.stderr) == (0, "")
    return run


@pytest.fixture
def copied(straight, tmp_path):
    """A copy of it, to be ill-treated."""
    shutil.copytree(straight.path, tmp_path / "run", copy_function=os.link)
    for path in (tmp_path / "run").glob("*.*"):  # those that are written in place
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    return RunFolder(tmp_path / "run")


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def weights(path):
    return fingerprint(read_checkpoint(path).model)


def about(run, name):
    return json.loads((run.samples / f"{name}.json").read_text())


def events(run, kind):
    return [event for event in read_events(run.events) if event["event"] == kind]


def assert_same_training(run, straight):
    """Both ended with the same weights and the same state of the optimizer and of the random numbers."""
    ended, expected = (read_checkpoint(one.epoch_checkpoint(2)) for one in (run, straight))
    assert fingerprint(ended.model) == fingerprint(expected.model)
    assert ended.progress == expected.progress
    moments = (
        {
            f"{number}.{name}": tensor
            for number, state in one.optimizer["state"].items()
            for name, tensor in state.items()
        }
        for one in (ended, expected)
    )
    first, second = map(fingerprint, moments)
    assert first == second
    assert fingerprint({"random": ended.random_state["cpu"]}) == fingerprint({"random": expected.random_state["cpu"]})


def test_a_run_leaves_everything_that_was_promised(straight):
    there = {str(path.relative_to(straight.path)) for path in straight.path.rglob("*") if path.is_file()}
    (board,) = (name for name in there if name.startswith("tensorboard/events.out.tfevents."))
    there.remove(board)

    spoken = {f"{name}{end}" for name in ("epoch_0", "epoch_1", "epoch_2") for end in ENDINGS}
    assert there == {
        *(".lock", "settings.toml", "run.json", "events.jsonl", "train_output.log", "report.html"),
        *("clips.json", "held_out.safetensors"),
        *(f"checkpoints/{name}.pt" for name in ("checkpoint_epoch_1", "checkpoint_epoch_2", "best_model")),
        *(f"samples/{file}" for file in spoken),
        *(f"samples/best/epoch_2{end}" for end in ENDINGS),
        *(f"pictures/{name}.{end}" for name in ("epoch_0", "epoch_1", "epoch_2") for end in ("json", "png")),
        *("pictures/epoch_0_reference.json", "pictures/epoch_0_reference.png"),
    }
    for file in straight.samples.glob("*_output.wav"):
        info = soundfile.info(file)
        assert (info.subtype, info.channels, info.samplerate) == ("PCM_16", 1, 22050)
    log = straight.log.read_text(encoding="utf-8")
    assert "   ✅ Sample generated: epoch_2_output.wav\n" in log
    assert "Training finished: 2 epochs, 16 steps.\n" in log


def test_every_sample_was_spoken_with_its_checkpoints_own_weights(straight, quick_base):
    base = fingerprint(load_model(quick_base, uses=["training"]).trained_tensors())

    spoken = {name: about(straight, name)["weights"] for name in ("epoch_0", "epoch_1", "epoch_2")}

    assert spoken == {
        "epoch_0": base,
        "epoch_1": weights(straight.epoch_checkpoint(1)),
        "epoch_2": weights(straight.epoch_checkpoint(2)),
    }
    assert len(set(spoken.values())) == 3
    assert {event["mode"] for event in events(straight, "sample")} == {"background"}


def test_what_a_checkpoint_says_later_is_what_it_said_then(copied):
    then = {path.name: path.read_bytes() for path in copied.samples.glob("*.wav")}

    done = escuta("sample", copied.path, "--all", "--again")

    assert (done.returncode, done.stderr) == (0, "")
    assert about(copied, "epoch_1")["mode"] == "later"
    assert {path.name: path.read_bytes() for path in copied.samples.glob("*.wav")} == then


def test_a_killed_sampler_stops_neither_the_training_nor_the_samples_after_it(command, straight, run):
    training = start_escuta(*command(run))
    try:
        until(lambda: events(run, "sample_asked"))
        (sampler,) = children(training.pid, SPEAKER)
        os.kill(sampler, signal.SIGKILL)
        output, _ = training.communicate(timeout=300)
    finally:
        training.kill()

    assert training.returncode == 0
    assert "Traceback" not in output
    assert [(event["name"], event["status"]) for event in events(run, "sample")] == [
        ("epoch_0", "spoken"),
        ("epoch_1", "spoken"),
        ("epoch_2", "spoken"),
    ]
    for path in straight.samples.glob("*.wav"):
        assert (run.samples / path.name).read_bytes() == path.read_bytes()
    assert_same_training(run, straight)


def test_ctrl_c_within_an_epoch_saves_where_it_was_and_a_resumed_run_ends_the_same(command, straight, run):
    training = start_escuta(*command(run, "--mode", "isolated", "--set", "sampling.every_n_steps=3"))
    try:
        until(lambda: events(run, "step") and children(training.pid, SPEAKER))
        (sampler,) = children(training.pid, SPEAKER)
        until(lambda: os.getpgid(sampler) == sampler)
        os.killpg(training.pid, signal.SIGINT)  # while step 3 is being spoken
        output, _ = training.communicate(timeout=300)
    finally:
        training.kill()

    assert training.returncode == 130
    assert "Training interrupted at epoch 0, step 4. Continue it with --resume.\n" in output
    assert [(event["name"], event["status"]) for event in events(run, "sample")] == [
        ("epoch_0", "spoken"),
        ("step_3", "spoken"),
    ]
    assert {path.name for path in run.checkpoints.iterdir()} == {"checkpoint_step_3.pt", "last.pt"}
    assert about(run, "step_3")["weights"] == weights(run.checkpoint("step_3"))

    done = escuta(*command(run, "--resume", "--mode", "inline"))

    assert (done.returncode, done.stderr) == (0, "")
    assert not run.last_state.exists()
    assert_same_training(run, straight)
    assert (run.samples / "epoch_0_output.wav").read_bytes() == (straight.samples / "epoch_0_output.wav").read_bytes()
    assert about(run, "epoch_2")["precision"]["used"] == "exact"  # spoken inline, by the very weights that learn
    exact = run.path.parent / "exact"
    done = escuta("sample", straight.path, "--checkpoint", "best_model.pt", "--precision", "exact", "--out", exact)
    assert (done.returncode, done.stderr) == (0, "")
    assert (run.samples / "epoch_2_output.wav").read_bytes() == (exact / "epoch_2_output.wav").read_bytes()


def test_a_killed_training_resumes_to_the_same_end(command, straight, run):
    training = start_escuta(*command(run))
    until(lambda: len(events(run, "sample_asked")) == 2)
    (sampler,) = children(training.pid, SPEAKER)
    training.kill()
    training.communicate()
    until(lambda: gone(sampler))
    assert not events(run, "interrupted")

    done = escuta(*command(run, "--resume"))

    assert (done.returncode, done.stderr) == (0, "")
    assert_same_training(run, straight)
    for path in straight.samples.glob("*.wav"):
        assert (run.samples / path.name).read_bytes() == path.read_bytes()
    assert {path.name for path in run.best_samples.iterdir()} == {f"epoch_2{end}" for end in ENDINGS}


def test_a_second_start_changes_nothing_and_a_fresh_one_moves_the_run_aside(command, straight, copied):
    before = {path: path.read_bytes() for path in copied.path.rglob("*.*") if path.is_file()}

    refused = escuta(*command(copied))

    assert refused.returncode == 2
    assert refused.stderr == (
        f"{copied.path}: a run is already there, at epoch 2, step 16; nothing was changed. Continue it with --resume, "
        "or begin afresh with --fresh, which moves it aside.\n"
    )
    assert {path: path.read_bytes() for path in copied.path.rglob("*.*") if path.is_file()} == before

    warm_up = "training.warmup_steps=1"  # as two epochs of these clips are advised to
    done = escuta(*command(copied, "--fresh", "--mode", "off", "--set", warm_up, epochs=1))

    assert (done.returncode, done.stderr) == (0, "")
    aside = RunFolder(copied.path.with_name("run.old-1"))
    assert len(events(aside, "epoch")) == 3
    assert list(copied.samples.iterdir()) == []
    assert weights(copied.epoch_checkpoint(1)) == weights(straight.epoch_checkpoint(1))


def test_a_loss_that_is_no_number_stops_in_one_line_and_keeps_sound_checkpoints(command, straight, copied):
    done = escuta(*command(copied, "--resume", "--mode", "off", "--set", "training.learning_rate=1e30", epochs=3))

    assert done.returncode == 2
    assert done.stderr == (
        "step 22: 5 steps in a row without a finite loss; expected numbers. Lower training.learning_rate and continue "
        "from the last checkpoint with --resume.\n"
    )
    assert "⚠️  Step 18: the loss is nan, the gradient nan; the step was skipped.\n" in done.stdout
    assert [path.name for path in list_checkpoints(copied)] == ["checkpoint_epoch_1.pt", "checkpoint_epoch_2.pt"]
    assert weights(copied.epoch_checkpoint(2)) == weights(straight.epoch_checkpoint(2))

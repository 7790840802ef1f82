import json

import pytest
import soundfile

from escuta.cli.main import main
from escuta.run.checkpoints import Progress
from escuta.run.folder import RunFolder
from runs import make_checkpoint, make_quick_base, make_reference


@pytest.fixture
def base(random_base, tmp_path):
    return make_quick_base(tmp_path / "base", random_base)


@pytest.fixture
def run(base, tmp_path):
    """A run of two epochs in English; the first is the best."""
    run = RunFolder(tmp_path / "run")
    run.write_facts({"language": "en", "base": {"folder": str(base)}})
    make_checkpoint(run.epoch_checkpoint(1), base, scale=1.1)
    make_checkpoint(run.epoch_checkpoint(2), base, scale=1.2, progress=Progress(epoch=2, step=8))
    run.best_checkpoint.hardlink_to(run.epoch_checkpoint(1))
    return run


@pytest.fixture
def say(tmp_path, capsys):
    """Say one text; what was printed, and the sound."""
    reference = make_reference(tmp_path / "voice.wav")

    def say(*options, text="Good evening."):
        output = tmp_path / "said.wav"
        words = ["say", "--text", text, "--reference", reference, "--output", output, *options]
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        assert ended.value.code == 0, capsys.readouterr().err
        return capsys.readouterr().out, output.read_bytes()

    return say


def test_a_run_speaks_with_its_best_checkpoint_and_says_so(run, say):
    printed, sound = say("--run", run.path)
    assert "best_model.pt" in printed.splitlines()[0]
    assert sound == say("--run", run.path, "--checkpoint", "checkpoint_epoch_1.pt")[1]


def test_another_checkpoint_can_be_named(run, say):
    printed, sound = say("--run", run.path, "--checkpoint", "checkpoint_epoch_2.pt")
    assert "checkpoint_epoch_2.pt" in printed.splitlines()[0]
    assert sound != say("--run", run.path)[1]


def test_a_run_without_a_best_checkpoint_speaks_with_its_base_and_says_so(run, base, say):
    run.best_checkpoint.unlink()
    printed, sound = say("--run", run.path)
    assert base.name in printed.splitlines()[0]
    assert sound == say("--base", base, "--language", "en")[1]


def test_the_language_is_the_runs_unless_another_is_asked_for(run, say):
    sound = say("--run", run.path, text="Seven 7 sailors.")[1]
    assert sound == say("--run", run.path, "--language", "en", text="Seven 7 sailors.")[1]
    assert sound != say("--run", run.path, "--language", "pt", text="Seven 7 sailors.")[1]


def test_the_file_is_a_22050_hz_wav_unless_another_rate_is_asked_for(base, say, tmp_path):
    say("--base", base)
    assert soundfile.info(tmp_path / "said.wav").samplerate == 22050
    say("--base", base, "--sample-rate", "24000")
    assert soundfile.info(tmp_path / "said.wav").samplerate == 24000


def test_the_weights_are_packed_unless_exact_ones_are_asked_for(run, say):
    packed, exact = say("--run", run.path)[1], say("--run", run.path, "--precision", "exact")[1]
    assert packed == say("--run", run.path, "--precision", "int8")[1]
    assert packed != exact


def test_what_the_samples_of_the_run_refused_is_refused_here_too(run, say):
    run.samples.mkdir()
    precision = {"asked": "auto", "used": "bf16", "difference": 0.0, "checked": "epoch_0", "refused": {"int8": 0.1}}
    (run.samples / "epoch_0.json").write_text(json.dumps({"name": "epoch_0", "device": "cpu", "precision": precision}))
    assert say("--run", run.path)[1] == say("--run", run.path, "--precision", "bf16")[1]

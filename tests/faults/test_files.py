"""Files that are damaged, foreign or malicious: one clear line each, and whatever can go on goes on."""

import io
import pickle
import zipfile

import pytest
import torch

from escuta.cli.main import main
from escuta.run.checkpoints import Progress
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from escuta.settings import load_settings, settings_toml
from runs import make_checkpoint, make_reference
from sounds import make_dataset


@pytest.fixture
def escuta(capsys):
    """Run a command here; give its exit status and what it printed, on standard output and on standard error."""

    def escuta(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments)])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return escuta


@pytest.fixture
def run(quick_base, tmp_path):
    """A run with a checkpoint of its first epoch, unheard."""
    run = RunFolder(tmp_path / "run")
    run.samples.mkdir(parents=True)
    run.settings.write_text(settings_toml(load_settings(None, {"language": "en"})))
    run.write_facts(
        {
            "language": "en",
            "base": {"folder": str(quick_base)},
            "sentences": [{"text": "Good evening.", "source": "audio_00001"}],
            "reference": str(make_reference(tmp_path / "voice.wav")),
        }
    )
    make_checkpoint(run.epoch_checkpoint(1), quick_base, progress=Progress(epoch=1, step=4))
    return run


class Payload:
    """What runs a command when it is unpickled."""

    def __init__(self, trace):
        self._trace = trace

    def __reduce__(self):
        return open, (str(self._trace), "w")


def truncated(run, _trace):
    content = run.epoch_checkpoint(1).read_bytes()
    return content[: len(content) // 2]


def empty(_run, _trace):
    return b""


def foreign(_run, _trace):
    file = io.BytesIO()
    torch.save({"model": {"gpt.mel_head.bias": torch.zeros(3)}, "step": 7}, file)
    return file.getvalue()


def of_another_time(_run, _trace):
    file = io.BytesIO()
    torch.save({"format": 999}, file)
    return file.getvalue()


def malicious(_run, trace):
    file = io.BytesIO()
    torch.save({"format": 1, "model_state_dict": Payload(trace)}, file)
    return file.getvalue()


def malicious_pickle(_run, trace):
    return pickle.dumps({"format": 1, "model_state_dict": Payload(trace)})


def no_archive_of_tensors(_run, _trace):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("hello.txt", "hello")
    return file.getvalue()


DAMAGED = [truncated, empty, foreign, of_another_time, malicious, malicious_pickle, no_archive_of_tensors]


@pytest.mark.parametrize("make", DAMAGED, ids=lambda make: make.__name__)
def test_a_file_that_is_no_checkpoint_is_refused_in_one_line_and_nothing_in_it_is_run(escuta, run, tmp_path, make):
    file, trace = tmp_path / "found.pt", tmp_path / "trace"
    file.write_bytes(make(run, trace))

    status, _said, problem = escuta("sample", run.path, "--checkpoint", file)

    assert status == 2
    assert problem.startswith(f"{file}: ")
    assert problem.count("\n") == 1
    assert "Traceback" not in problem
    assert not trace.exists()
    assert list(run.samples.iterdir()) == []


def test_damaged_checkpoints_of_a_run_fail_alone(escuta, run, tmp_path):
    for number, make in enumerate(DAMAGED, 2):
        run.epoch_checkpoint(number).write_bytes(make(run, tmp_path / "trace"))

    status, said, problem = escuta("sample", run.path, "--all")

    assert (status, problem) == (2, "")
    errors = [line for line in said.splitlines() if line.startswith("❌ Error generating sample epoch_")]
    assert len(errors) == len(DAMAGED)
    assert {path.name for path in run.samples.glob("*.json")} == {"epoch_0.json", "epoch_1.json"}
    assert not (tmp_path / "trace").exists()
    assert "Traceback" not in said


@pytest.fixture
def voice(tmp_path):
    return make_dataset(tmp_path / "voice", 6, seconds=(1.0, 1.5))


def train(escuta, voice, run, quick_base, *more):
    asked = ["--language", "en", "--base", quick_base, "--epochs", "1", "--mode", "off"]
    return escuta("train", voice, "--out", run, *asked, "--set", "training.device=cpu", *more)


def test_a_corrupt_clip_is_named_and_left_out(escuta, voice, quick_base, tmp_path):
    clip = voice / "wavs" / "audio_00003.wav"
    clip.write_bytes(clip.read_bytes()[:2000])

    status, said, problem = train(escuta, voice, tmp_path / "run", quick_base)

    assert (status, problem) == (0, "")
    assert "metadata.csv line 3: wavs/audio_00003.wav: cut off; the end of the file is missing." in said
    assert "5 of 6 clips remain" in said
    assert "Training finished: 1 epoch," in said


def test_a_sentence_that_cannot_be_spoken_is_refused_before_anything_is_begun(escuta, voice, quick_base, tmp_path):
    sentences = tmp_path / "sentences.txt"
    sentences.write_text("Good evening.\nSnow: \N{SNOWMAN}\n", encoding="utf-8")

    status, _said, problem = train(escuta, voice, tmp_path / "run", quick_base, "--sentences", sentences)

    assert status == 2
    assert problem == f"{sentences} line 2: cannot be spoken; the vocabulary lacks '\N{SNOWMAN}'. Change it.\n"
    assert not (tmp_path / "run").exists()


def test_a_reference_that_is_gone_when_a_run_resumes_fails_the_samples_alone(escuta, voice, quick_base, tmp_path):
    run, gone = RunFolder(tmp_path / "run"), tmp_path / "gone.wav"
    assert train(escuta, voice, run.path, quick_base)[0] == 0
    run.write_facts(run.read_facts() | {"reference": str(gone)})

    status, _said, problem = train(escuta, voice, run.path, quick_base, "--resume", "--mode", "inline", "--epochs", "2")

    assert (status, problem) == (0, "")
    (sample,) = (event for event in read_events(run.events) if event["event"] == "sample")
    assert (sample["name"], sample["status"]) == ("epoch_2", "failed")
    assert sample["reason"].startswith(f"{gone}: ")

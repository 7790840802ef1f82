"""The guide's commands, as its reader gives them: any python3, from the root of a repository, in a shell."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from sounds import make_dataset

ROOT = Path(__file__).parents[2]
PYTHON = Path(sys.executable).resolve()
"""What the virtual environment was made from: a python3 that has no escuta."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A repository: the guide's scripts, a dataset of six short clips, and this environment as its .venv."""
    root = tmp_path_factory.mktemp("repository")
    for folder in ("train", "scripts"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("data", "output*", "__pycache__"))
    make_dataset(root / "train" / "data" / "MyTTSDataset", 6, seconds=(1.0, 1.5))
    (root / ".venv").symlink_to(sys.prefix)
    return root


@pytest.fixture(scope="module")
def shell(root):
    """Give a line to the shell, in the root."""
    environment = {name: value for name, value in os.environ.items() if name not in ("ESCUTA_LANG", "PYTHONPATH")}
    if (
        subprocess.run([PYTHON, "-c", "import escuta"], capture_output=True, env=environment, check=False).returncode
        == 0
    ):
        pytest.skip(f"{PYTHON} has escuta; the virtual environment should be made from one that has not")
    bin_folder = root / "bin"
    bin_folder.mkdir()
    (bin_folder / "python3").symlink_to(PYTHON)
    environment |= {
        "PATH": f"{bin_folder}:{environment['PATH']}",
        "OMP_NUM_THREADS": "1",
        "ESCUTA_SAMPLING__THREADS": "1",
    }

    def shell(line):
        return subprocess.run(
            ["sh", "-c", line], cwd=root, env=environment, capture_output=True, text=True, check=False
        )

    return shell


@pytest.fixture(scope="module")
def trained(shell, root):
    """The guide's quick test was run, in fewer clips and epochs; what it printed."""
    finished = shell("MAX_TRAIN_SAMPLES=4 NUM_EPOCHS=1 python3 train/scripts/train_xtts.py")
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def about(root, name):
    return json.loads((root / "train" / "output" / "samples" / name).read_text("utf-8"))


def test_without_an_environment_it_says_make_setup(shell, root):
    line = "cp -r train scripts bin; cd bin; python3 train/scripts/train_xtts.py"
    finished = shell(line)
    assert finished.returncode == 1
    assert finished.stderr == "escuta não está instalado aqui; rode primeiro: make setup\n"


def test_the_files_are_where_the_guide_has_them(trained, root):
    samples = root / "train" / "output" / "samples"
    for name in ("epoch_1_output.wav", "best/epoch_1_output.wav"):
        info = soundfile.info(samples / name)
        assert (info.format, info.subtype, info.channels, info.samplerate) == ("WAV", "PCM_16", 1, 22050)
        assert info.duration > 0.3
    reference = about(root, "epoch_1.json")["reference_source"]
    for name in ("epoch_1_reference.wav", "best/epoch_1_reference.wav"):
        assert (samples / name).read_bytes() == Path(reference).read_bytes()


def test_each_sample_is_of_its_checkpoints_own_weights(trained, root):
    assert about(root, "epoch_0.json")["weights"] != about(root, "epoch_1.json")["weights"]
    assert about(root, "best/epoch_1.json") == about(root, "epoch_1.json")


def test_the_greps_of_the_guide_find_their_lines(trained, shell):
    assert shell('grep -c "Gerando sample" train_output.log').stdout == "2\n"
    assert shell('grep -c "Erro ao gerar" train_output.log').stdout == "0\n"


def test_the_log_speaks_portuguese_and_tells_only_what_is_true(trained, shell):
    assert shell("cat train_output.log").stdout == trained
    for line in ("Checkpoint salvo: checkpoint_epoch_1.pt", "Texto do metadata:", "Sample gerado: epoch_1_output.wav"):
        assert line in trained
    for line in ("VRAM", "cuFFT", "subprocesso"):
        assert line not in trained


def test_the_random_base_is_said_loudly(trained):
    assert "⚠️" in trained.splitlines()[1]


def test_checkpoints_speak_again_after_training(trained, shell, root):
    sample = root / "train" / "output" / "samples" / "epoch_1_output.wav"
    spoken, weights = sample.read_bytes(), about(root, "epoch_1.json")["weights"]
    sample.unlink()
    finished = shell("python3 scripts/generate_checkpoint_samples.py --checkpoint checkpoint_epoch_1.pt")
    assert finished.returncode == 0, finished.stderr
    assert "Gerando sample" in finished.stdout
    assert sample.read_bytes() == spoken
    assert about(root, "epoch_1.json")["weights"] == weights


def test_one_text_is_said_with_the_best_checkpoint(trained, shell, root):
    reference = "train/data/MyTTSDataset/wavs/audio_00001.wav"
    finished = shell(
        "python3 scripts/generate_sample_subprocess.py "
        f'--reference_wav {reference} --text "Olá, este é um teste." --output ola.wav'
    )
    assert finished.returncode == 0, finished.stderr
    assert "best_model.pt" in finished.stdout
    assert soundfile.info(root / "ola.wav").duration > 0.3


def test_beginning_afresh_moves_the_run_aside_and_a_redirect_takes_the_log(trained, shell, root):
    finished = shell("NUM_EPOCHS=1 python3 train/scripts/train_xtts.py --fresh --mode off > train_output.log")
    assert finished.returncode == 0, finished.stderr
    assert (root / "train" / "output.old-1" / "samples" / "epoch_1.json").exists()
    said = (root / "train_output.log").read_text("utf-8")
    assert not (root / "train_output.log").is_symlink()
    assert said == (root / "train" / "output" / "train_output.log").read_text("utf-8")
    assert "Checkpoint salvo" in said
    assert "Gerando sample" not in said

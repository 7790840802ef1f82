import os
import shutil
from pathlib import Path

import pytest

from escuta import guide
from escuta.run.folder import RunFolder
from escuta.settings import load_settings
from sounds import make_dataset

ROOT = Path(__file__).parents[1]


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A repository's root with the guide's dataset and settings, and nothing trained; the shell stands in it."""
    (tmp_path / "train").mkdir()
    shutil.copy(ROOT / "train" / "train_settings.py", tmp_path / "train")
    make_dataset(tmp_path / "train" / "data" / "MyTTSDataset", 4, seconds=(1.0,))
    monkeypatch.delenv("ESCUTA_LANG")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(workspace):
    """A run that was begun there and has a log: `train` refuses to begin another."""
    run = RunFolder(workspace / "train" / "output")
    run.write_facts({})
    run.log.write_text("Gerando sample\n")
    return run


def refused(command, root, *arguments):
    with pytest.raises(SystemExit) as ended:
        command(root, list(arguments))
    return ended.value.code


def test_the_settings_file_is_read_and_short_variables_win(monkeypatch):
    monkeypatch.setenv("NUM_EPOCHS", "2")
    monkeypatch.setenv("MAX_TRAIN_SAMPLES", "20")
    settings = load_settings(ROOT / "train" / "train_settings.py")
    assert (settings.language, settings.base, settings.sampling.mode) == ("pt", "auto", "background")
    assert (settings.training.save_every_n_epochs, settings.training.epochs, settings.data.max_clips) == (1, 2, 20)


def test_the_settings_file_holds_the_guides_line():
    assert "\nsave_every_n_epochs: int = 1 " in (ROOT / "train" / "train_settings.py").read_text("utf-8")


def test_without_a_dataset_it_says_what_to_do_and_leaves_nothing(workspace, capsys):
    shutil.rmtree(workspace / "train" / "data")
    assert refused(guide.train, workspace) == 2
    line = capsys.readouterr().err
    assert str(workspace / "train" / "data" / "MyTTSDataset") in line
    assert "make demo" in line
    assert [path.name for path in workspace.iterdir()] == ["train"]


def test_help_leaves_nothing(workspace, capsys):
    assert refused(guide.train, workspace, "--help") == 0
    assert "--fresh" in capsys.readouterr().out
    assert [path.name for path in workspace.iterdir()] == ["train"]


def test_another_dataset_can_be_named(workspace, capsys):
    assert refused(guide.train, workspace, "--dataset", "elsewhere") == 2
    assert "elsewhere" in capsys.readouterr().err


def test_a_second_start_says_what_is_there_in_portuguese_and_changes_nothing(run, workspace, capsys):
    before = sorted(workspace.rglob("*"))
    assert refused(guide.train, workspace) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert all(word in line for word in (str(run.path), "já", "--resume", "--fresh"))
    assert sorted(workspace.rglob("*")) == [*before, workspace / "train_output.log"]


def test_the_log_is_found_in_the_root(run, workspace):
    refused(guide.train, workspace)
    assert Path("train_output.log").read_text() == "Gerando sample\n"


def test_a_redirect_into_a_new_file_of_that_name_stays_a_file(run, workspace):
    log = workspace / "train_output.log"
    log.write_text("")
    refused(guide.train, workspace)
    assert not log.is_symlink()
    assert run.log.read_text() == "Gerando sample\n"


def test_a_redirect_through_the_link_becomes_a_file_of_its_own(run, workspace):
    refused(guide.train, workspace)
    log = workspace / "train_output.log"
    with log.open("w") as redirected:
        refused(guide.train, workspace)
        redirected.write("from the shell\n")
    assert not log.is_symlink()
    assert log.read_text() == "from the shell\n"
    assert not run.log.exists()


def test_a_redirect_that_appends_through_the_link_becomes_a_file_of_its_own(run, workspace):
    refused(guide.train, workspace)
    log = workspace / "train_output.log"
    standard_output = os.dup(1)
    try:
        with log.open("a") as redirected:
            os.dup2(redirected.fileno(), 1)
        refused(guide.train, workspace)
    finally:
        os.dup2(standard_output, 1)
        os.close(standard_output)
    assert not log.is_symlink()
    assert log.read_text() == "Gerando sample\n"


def test_a_redirect_works_before_the_first_run(workspace, monkeypatch):
    monkeypatch.setenv("NUM_EPOCHS", "0")
    assert refused(guide.train, workspace) == 2
    (workspace / "train_output.log").write_text("from the shell\n")


def test_a_checkpoint_is_looked_for_in_the_workspaces_run(workspace, capsys):
    arguments = ["--reference_wav", "voice.wav", "--text", "Olá!", "--output", "ola.wav"]
    assert refused(guide.generate_sample, workspace, *arguments, "--checkpoint", "checkpoint_epoch_2.pt") == 2
    assert str(workspace / "train" / "output") in capsys.readouterr().err


def test_a_mistyped_option_is_refused(workspace, capsys):
    arguments = ["--reference_wav", "voice.wav", "--text", "Olá!", "--output", "ola.wav", "--chekpoint", "x"]
    assert refused(guide.generate_sample, workspace, *arguments) == 2
    assert "--chekpoint" in capsys.readouterr().err


def test_without_a_run_there_is_nothing_to_speak(workspace, capsys):
    assert refused(guide.generate_checkpoint_samples, workspace) == 2
    assert str(workspace / "train" / "output") in capsys.readouterr().err

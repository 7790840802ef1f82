from pathlib import Path

import pytest

from escuta.errors import SettingsError
from escuta.settings import (
    Settings,
    load_settings,
)

WORKSPACE_SETTINGS = Path(__file__).parents[2] / "train" / "train_settings.py"


def given(folder: Path, text: str, name: str = "settings.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def problems(file: Path | None = None, flags: dict[str, object] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load_settings(file, flags)
    return [problem.removeprefix(f"{file}") for problem in error.value.problems]


def test_the_settings_of_the_workspace_are_those_of_escuta_itself_in_portuguese():
    assert load_settings(WORKSPACE_SETTINGS) == Settings(language="pt")


def test_a_python_file_sets_names_with_and_without_their_section(tmp_path):
    file = given(
        tmp_path,
        '''
"""Settings."""
save_every_n_epochs: int = 5  # a comment
learning_rate = 1e-5
sampling__device: str = "cuda:1"
language: str | None = None
sampling = {"mode": "off"}
''',
        "settings.py",
    )

    settings = load_settings(file)

    assert (settings.training.save_every_n_epochs, settings.training.learning_rate) == (5, 1e-5)
    assert (settings.training.device, settings.language) == ("auto", None)
    assert (settings.sampling.device, settings.sampling.mode) == ("cuda:1", "off")


def test_a_python_file_is_read_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = given(tmp_path, "__import__('pathlib').Path('ran').touch()\nepochs = open('ran', 'w')\n", "settings.py")

    assert problems(file) == [
        " line 1: __import__('pathlib').Path('ran').touch(); expected a name and a plain value, as epochs = 10.",
        " line 2: epochs = open('ran', 'w'); expected a name and a plain value, as epochs = 10.",
    ]
    assert not (tmp_path / "ran").exists()


def test_every_problem_of_a_python_file_is_told_at_once(tmp_path):
    file = given(
        tmp_path,
        "import os\ndevice = 'cpu'\nepochs: int\nepochs = 0\nsave_every_n_epoch = 5\nseed, base = 1, 'auto'\n"
        "if True:\n    seed = 3\nbatch_size = 2 ** 3\n",
        "settings.py",
    )

    assert problems(file) == [
        " line 1: import os; expected a name and a plain value, as epochs = 10.",
        " line 2: device is the name of several settings; expected one of training__device, sampling__device, "
        "scores__device.",
        " line 3: epochs: int; expected a name and a plain value, as epochs = 10.",
        " line 6: seed, base = (1, 'auto'); expected a name and a plain value, as epochs = 10.",
        " line 7: if True:; expected a name and a plain value, as epochs = 10.",
        " line 9: batch_size = 2 ** 3; expected a name and a plain value, as epochs = 10.",
        ": training.epochs is 0; expected 1 or more.",
        ": save_every_n_epoch is not a setting. Did you mean training.save_every_n_epochs?",
    ]


def test_a_python_file_that_is_none_is_told(tmp_path):
    file = given(tmp_path, "epochs = = 3\n", "settings.py")

    assert problems(file) == [": not a settings file; invalid syntax (settings.py, line 1)."]

from pathlib import Path

import pytest

from escuta.errors import SettingsError
from escuta.settings import (
    Settings,
    load_settings,
    nearest_setting,
    nested,
    plain_value,
)


def given(folder: Path, text: str, name: str = "settings.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def problems(file: Path | None = None, flags: dict[str, object] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load_settings(file, flags)
    return [problem.removeprefix(f"{file}") for problem in error.value.problems]


def test_flags_come_before_the_environment_and_the_environment_before_a_file(tmp_path, monkeypatch):
    file = given(tmp_path, "seed = 1\n[training]\nepochs = 1\nbatch_size = 1\nkeep_last = 1\n")
    monkeypatch.setenv("ESCUTA_TRAINING__EPOCHS", "2")
    monkeypatch.setenv("ESCUTA_TRAINING__BATCH_SIZE", "2")

    settings = load_settings(file, {"training.epochs": 3, "training.batch_size": None})

    training = settings.training
    assert (training.epochs, training.batch_size, training.keep_last, settings.seed) == (3, 2, 1, 1)
    assert training.save_every_n_epochs == 1


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("ESCUTA_SEED", "7", "seed", 7),
        ("ESCUTA_LANGUAGE", "pt", "language", "pt"),
        ("ESCUTA_TRAINING__LEARNING_RATE", "1e-4", "training.learning_rate", 1e-4),
        ("ESCUTA_SAMPLING__SAMPLE_RATE", "24000", "sampling.sample_rate", 24000),
        ("ESCUTA_SAMPLING__BEST_SAMPLES", "false", "sampling.best_samples", False),
        ("ESCUTA_SAMPLING__SENTENCES", "my sentences.txt", "sampling.sentences", Path("my sentences.txt")),
        ("ESCUTA_SAMPLING__DEVICE", "cuda:1", "sampling.device", "cuda:1"),
        ("MAX_TRAIN_SAMPLES", "20", "data.max_clips", 20),
        ("NUM_EPOCHS", "2", "training.epochs", 2),
    ],
)
def test_a_variable_sets_its_setting(monkeypatch, variable, text, name, value):
    monkeypatch.setenv(variable, text)

    found: object = load_settings()
    for part in name.split("."):
        found = getattr(found, part)
    assert found == value


def test_an_empty_variable_says_nothing(monkeypatch):
    for variable in ("NUM_EPOCHS", "ESCUTA_TRAINING__EPOCHS", "ESCUTA_BASE"):
        monkeypatch.setenv(variable, "")

    assert load_settings() == Settings()


def test_the_long_name_of_a_variable_comes_before_the_short_one(monkeypatch):
    monkeypatch.setenv("NUM_EPOCHS", "2")
    monkeypatch.setenv("ESCUTA_TRAINING__EPOCHS", "3")

    assert load_settings().training.epochs == 3


def test_variables_that_are_not_settings_are_left_alone(monkeypatch):
    for variable in ("ESCUTA_LANG", "ESCUTA_XTTS_REPO", "ESCUTA_ACCEPT_CPML", "ESCUTA_PEER_PYTHON"):
        monkeypatch.setenv(variable, "en")

    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("variable", "problem"),
    [
        ("ESCUTA_EPOCHS", "epochs is not a setting. Did you mean ESCUTA_TRAINING__EPOCHS?"),
        ("ESCUTA_TRAINING_EPOCHS", "training_epochs is not a setting. Did you mean ESCUTA_TRAINING__EPOCHS?"),
        ("ESCUTA_TRAINING__EPOCH", "training.epoch is not a setting. Did you mean ESCUTA_TRAINING__EPOCHS?"),
        ("ESCUTA_TRAINNING__EPOCHS", "trainning is not a setting. Did you mean ESCUTA_TRAINING__FREEZE?"),
        ("ESCUTA_TRAINING", "training is 3; expected a section of settings."),
        ("ESCUTA_TRAINING__EPOCHS__X", "training.epochs is {'x': 3}; expected a whole number."),
    ],
)
def test_a_variable_that_seems_meant_for_a_setting_is_not_passed_over(monkeypatch, variable, problem):
    monkeypatch.setenv(variable, "3")

    assert problems() == [f"{variable}: {problem}"]


def test_every_problem_is_told_at_once_with_its_source(tmp_path, monkeypatch):
    file = given(
        tmp_path,
        """
        base = 3
        learning_rate = 1e-5
        [training]
        epochs = 0
        precision = "fp8"
        learning_rate = inf
        weight_decay = -1
        device = 5
        [data]
        held_out_share = 0.5
        [sampling]
        best_samples = "perhaps"
        device = "gpu"
        top_p = 2
        sentences = 4
        sample_rate = 16000
        [scoring]
        words = true
        """,
    )
    monkeypatch.setenv("ESCUTA_TRAINING__BATCH_SIZE", "many")
    monkeypatch.setenv("MAX_TRAIN_SAMPLES", "0")

    found = problems(file, {"training.save_every_n_epochs": 1.5, "training.epoch": 3, "data": "clips"})

    assert sorted(found) == sorted(
        [
            ": base is 3; expected text.",
            ": learning_rate is not a setting. Did you mean training.learning_rate?",
            ": training.epochs is 0; expected 1 or more.",
            ": training.precision is 'fp8'; expected one of 'auto', 'fp32', 'tf32', 'bf16'.",
            ": training.learning_rate is inf; expected a number.",
            ": training.weight_decay is -1; expected 0 or more.",
            ": training.device is 5; expected one of 'auto', 'cpu', 'cuda', 'mps'.",
            ": sampling.best_samples is 'perhaps'; expected true or false.",
            ": sampling.device is 'gpu'; expected cpu, mps, cuda or cuda:N.",
            ": sampling.top_p is 2; expected 1 or less.",
            ": sampling.sentences is 4; expected a file's name.",
            ": sampling.sample_rate is 16000; expected one of 22050, 24000.",
            ": scoring is not a setting. Did you mean scores.device?",
            "ESCUTA_TRAINING__BATCH_SIZE: training.batch_size is 'many'; expected a whole number.",
            "command line: training.save_every_n_epochs is 1.5; expected a whole number.",
            "command line: training.epoch is not a setting. Did you mean training.epochs?",
            "command line: data is 'clips'; expected a section of settings.",
        ]
    )


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"data.held_out_share": 0.5}, "data.held_out_share is 0.5; expected a number below 0.5."),
        ({"data.max_clips": 0}, "data.max_clips is 0; expected 1 or more."),
        ({"training.learning_rate": 0}, "training.learning_rate is 0; expected a number above 0."),
        ({"training.epochs": 2, "training": 3}, "training is 3; expected a section of settings."),
        ({"training.save_every_n_epochs": [1]}, "training.save_every_n_epochs is [1]; expected a whole number."),
        ({"training.freeze": ["all"]}, "training.freeze.0 is 'all'; expected one of 'conditioning', 'embeddings'."),
        ({"": 3}, " is not a setting. Did you mean training.weight_decay?"),
    ],
)
def test_a_flag_out_of_range_is_told(flags, problem):
    assert problems(None, flags) == [f"command line: {problem}"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("epochs", "training.epochs"),
        ("epoch", "training.epochs"),
        ("training.learning_rat", "training.learning_rate"),
        ("train.batch_size", "training.batch_size"),
        ("save_every_n_epoch", "training.save_every_n_epochs"),
        ("sampling.sentence", "sampling.sentences"),
        ("sample_rate", "sampling.sample_rate"),
        ("lang", "language"),
    ],
)
def test_the_nearest_setting_is_found(written, meant):
    assert nearest_setting(written) == meant


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("epochs == 3", "Invalid value (at line 1, column 9)"),
        ("[training]\nepochs = 3\n[training]\n", "Cannot declare ('training',) twice (at line 3, column 10)"),
    ],
)
def test_a_file_that_is_not_toml_is_told(tmp_path, content, reason):
    assert problems(given(tmp_path, content)) == [f": not a settings file; {reason}."]


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "latin.toml").write_bytes('language = "português"'.encode("latin-1"))

    assert problems(tmp_path) == [": not a settings file; Is a directory."]
    assert problems(tmp_path / "missing.toml") == [": not found; expected a settings file."]
    (problem,) = problems(tmp_path / "latin.toml")
    assert problem.startswith(": not a settings file; 'utf-8' codec can't decode byte 0xea")


def test_the_mark_that_some_editors_put_first_is_passed_over(tmp_path):
    assert load_settings(given(tmp_path, "\ufeffseed = 3\n")).seed == 3


def test_dotted_names_become_tables():
    assert nested({"a.b": 1, "a.c.d": 2, "e": 3, "a": {"f": 4}}) == {"a": {"b": 1, "c": {"d": 2}, "f": 4}, "e": 3}
    assert nested({"a": 1, "a.b": 2}) == {"a": {"b": 2}}


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("1e-5", 1e-5), ("true", True), ("'3'", "3"), ("cuda:1", "cuda:1"), ("", ""), ("C:\\x", "C:\\x")],
)
def test_a_value_is_read_as_toml_or_as_text(text, value):
    assert plain_value(text) == value

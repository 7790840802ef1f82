import pytest
import typer

from escuta.cli.options import ask_licence, flags
from escuta.errors import SettingsError


def test_options_that_were_not_given_say_nothing():
    assert flags({"training.epochs": None, "base": "random", "seed": 0}, None) == {"base": "random", "seed": 0}


def test_an_assignment_is_a_setting_with_a_value_of_its_kind():
    assignments = ["training.epochs=3", "sampling.best_samples = false", "base=my model", "language='pt'", "base="]

    assert flags({}, assignments[:4]) == {
        "training.epochs": 3,
        "sampling.best_samples": False,
        "base": "my model",
        "language": "pt",
    }
    assert flags({}, assignments[4:]) == {"base": ""}


def test_only_the_first_sign_separates_name_and_value():
    assert flags({}, ["base=a=b"]) == {"base": "a=b"}


def test_assignments_come_before_options_and_later_ones_before_earlier_ones():
    assert flags({"training.epochs": 1}, ["training.epochs=2", "training.epochs=3"]) == {"training.epochs": 3}


def test_every_assignment_without_a_value_is_told():
    with pytest.raises(SettingsError) as error:
        flags({}, ["training.epochs", "seed=3", "3"])

    assert error.value.problems == (
        "--set training.epochs: expected NAME=VALUE, as training.epochs=3.",
        "--set 3: expected NAME=VALUE, as training.epochs=3.",
    )


@pytest.mark.parametrize(("answer", "agreed"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_the_licence_is_shown_and_only_a_yes_agrees(monkeypatch, capsys, tmp_path, answer, agreed):
    (tmp_path / "keyboard").write_text(answer)
    with (tmp_path / "keyboard").open() as keyboard:
        monkeypatch.setattr("sys.stdin", keyboard)
        assert ask_licence("The licence.") is agreed

    assert capsys.readouterr().out.startswith("The licence.\nDo you agree? [y/N]: ")


def test_no_answer_at_all_is_no_consent(monkeypatch, tmp_path):
    (tmp_path / "keyboard").touch()
    with (tmp_path / "keyboard").open() as keyboard:
        monkeypatch.setattr("sys.stdin", keyboard)
        with pytest.raises(typer.Abort):
            ask_licence("The licence.")

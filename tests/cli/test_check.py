import pytest

from escuta.audio.files import write_wav
from escuta.cli.main import main
from sounds import make_dataset, silence


def escuta(*arguments):
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as ended:
        return ended.code


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path / "voice", 5)


def test_a_sound_dataset_ends_well_and_says_what_remains(dataset, capsys):
    assert escuta("check", dataset) == 0
    assert capsys.readouterr().out.startswith("5 of 5 clips remain")


def test_every_problem_is_a_line_and_the_status_says_so(dataset, capsys):
    first, second, *_others = sorted((dataset / "wavs").iterdir())
    first.unlink()
    write_wav(second, silence(2.0), 22050, 22050)

    assert escuta("check", dataset) == 1

    *problems, summary = capsys.readouterr().out.splitlines()
    assert len(problems) == 2
    assert all(problem.startswith("metadata.csv line ") for problem in problems)
    assert summary.startswith("3 of 5 clips remain")


def test_too_few_clips_to_train_on_are_told(tmp_path, capsys):
    assert escuta("check", make_dataset(tmp_path / "voice", 2)) == 1
    assert capsys.readouterr().out.endswith("Too few to train on; expected 3 clips or more. Add some.\n")


def test_texts_are_checked_against_the_model_that_is_named(dataset, random_base, capsys):
    manifest = dataset / "metadata.csv"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("|", "|漢 ", 1), encoding="utf-8")

    assert escuta("check", dataset, "--base", random_base, "--language", "pt-BR") == 1
    assert "the vocabulary lacks '漢'" in capsys.readouterr().out


def test_with_a_model_the_language_must_be_named(dataset, random_base, capsys):
    assert escuta("check", dataset, "--base", random_base) == 2
    assert capsys.readouterr().err.startswith("language: not given")


def test_a_folder_without_a_manifest_is_told(tmp_path, capsys):
    assert escuta("check", tmp_path) == 2
    assert "metadata.csv" in capsys.readouterr().err

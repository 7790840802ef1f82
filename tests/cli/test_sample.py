import pytest

from escuta.cli.main import main
from escuta.run.folder import RunFolder


def escuta(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


def test_nothing_is_spoken_while_the_run_is_in_use(tmp_path, capsys):
    run = RunFolder(tmp_path / "run")
    run.write_facts({})
    with run.in_use():
        assert escuta("sample", run.path, "--missing") == 2
    assert capsys.readouterr().err.startswith(f"{run.path}: in use by another process")
    assert not run.samples.exists()


def test_what_is_no_run_is_left_as_it_was(tmp_path, capsys):
    assert escuta("sample", tmp_path / "typo", "--all") == 2
    assert "no run.json" in capsys.readouterr().err
    assert not (tmp_path / "typo").exists()


def test_it_asks_what_to_speak(tmp_path, capsys):
    assert escuta("sample", tmp_path) == 2
    assert "--missing" in capsys.readouterr().err

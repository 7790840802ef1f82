import json

import pytest

from escuta.cli.main import main
from escuta.run.folder import RunFolder
from runs import make_quick_base, make_run


def escuta(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


@pytest.fixture(scope="module")
def quick_base(random_base, tmp_path_factory):
    return make_quick_base(tmp_path_factory.mktemp("quick-base"), random_base)


@pytest.fixture
def run(quick_base, tmp_path):
    """A run of two epochs, unheard."""
    return make_run(tmp_path / "run", quick_base, epochs=2)


def names(folder):
    return {path.name for path in folder.glob("*.json")}


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


def test_all_are_spoken_once_and_the_page_shows_them(run, capsys):
    assert escuta("sample", run.path, "--all") == 0
    assert names(run.samples) == {"epoch_0.json", "epoch_1.json", "epoch_2.json"}
    assert "epoch_2_output.wav" in run.report.read_text()
    capsys.readouterr()

    assert escuta("sample", run.path, "--all") == 0
    assert capsys.readouterr().out.startswith("Nothing to speak: every sample is up to date.")


def test_what_failed_is_the_exit_status_and_the_others_are_on_the_page(run, capsys):
    run.epoch_checkpoint(1).write_bytes(b"nothing")

    assert escuta("sample", run.path, "--all") == 2

    said = capsys.readouterr()
    assert (said.err, said.out.splitlines()[-1]) == ("", "❌ Not spoken: epoch_1")
    assert "epoch_2_output.wav" in run.report.read_text()


def test_a_process_that_is_not_the_first_leaves_verdict_and_page_to_that_one(run, monkeypatch):
    run.epoch_checkpoint(1).write_bytes(b"nothing")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")

    assert escuta("sample", run.path, "--all") == 0

    assert names(run.samples) == {"epoch_0.json", "epoch_2.json"}
    assert not run.report.exists()


def test_ranks_that_make_no_sense_are_refused(run, monkeypatch, capsys):
    monkeypatch.setenv("RANK", "2")
    assert escuta("sample", run.path, "--all") == 2
    assert capsys.readouterr().err.startswith("environment WORLD_SIZE: missing beside RANK")

    monkeypatch.setenv("WORLD_SIZE", "2")
    assert escuta("sample", run.path, "--all") == 2
    assert capsys.readouterr().err.startswith("environment RANK: 2; expected less than WORLD_SIZE, 2")

    monkeypatch.setenv("RANK", "1")
    assert escuta("sample", run.path, "--all", "--again") == 2
    assert capsys.readouterr().err.startswith("--again: for one process alone, this is one of 2")
    assert names(run.samples) == set()


def test_other_sentences_go_to_a_folder_of_their_own_while_the_run_is_in_use(run, tmp_path, capsys):
    sentences, out = tmp_path / "mine.txt", tmp_path / "out"
    sentences.write_text("Bye.\n")
    with run.in_use():
        assert escuta("sample", run.path, "--all", "--sentences", sentences, "--out", out) == 0

    assert names(out) == {"epoch_0.json", "epoch_1.json", "epoch_2.json"}
    assert [said["text"] for said in json.loads((out / "epoch_1.json").read_text())["sentences"]] == ["Bye."]
    assert "   📝 Text: 'Bye.'\n" in capsys.readouterr().out
    assert list(run.samples.iterdir()) == []
    assert not run.report.exists()


def test_a_precision_of_ones_own_is_used(run):
    assert escuta("sample", run.path, "--checkpoint", "checkpoint_epoch_1.pt", "--precision", "exact") == 0

    assert json.loads((run.samples / "epoch_1.json").read_text())["precision"]["used"] == "exact"


def test_a_run_without_checkpoints_says_so_and_lets_the_base_model_speak(quick_base, tmp_path, capsys):
    run = make_run(tmp_path / "run", quick_base, epochs=0)

    assert escuta("sample", run.path, "--all") == 0

    assert capsys.readouterr().out.startswith(f"⚠️  {run.checkpoints}: no checkpoints; only the base model speaks.\n")
    assert names(run.samples) == {"epoch_0.json"}


def test_a_base_model_that_is_gone_is_one_line(run, tmp_path, capsys):
    run.write_facts(run.read_facts() | {"base": {"folder": str(tmp_path / "gone")}})

    assert escuta("sample", run.path, "--all") == 2

    problem = capsys.readouterr().err
    assert problem.startswith(f"{tmp_path / 'gone'}")
    assert problem.count("\n") == 1

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from escuta.errors import RunError
from escuta.run.folder import RunFolder

HOLD = """
import sys
from pathlib import Path
from escuta.run.folder import RunFolder
with RunFolder(Path(sys.argv[1])).in_use():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process_training_in(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def refusal(run: RunFolder) -> str:
    with pytest.raises(RunError) as error, run.in_use():
        pass
    return str(error.value)


def test_every_file_of_a_run_has_its_place():
    run = RunFolder(Path("run"))

    assert [str(path) for path in (run.settings, run.facts, run.events, run.log, run.report)] == [
        "run/settings.toml",
        "run/run.json",
        "run/events.jsonl",
        "run/train_output.log",
        "run/report.html",
    ]
    assert [
        str(path) for path in (run.epoch_checkpoint(3), run.checkpoint("step_500"), run.best_checkpoint, run.last_state)
    ] == [
        "run/checkpoints/checkpoint_epoch_3.pt",
        "run/checkpoints/checkpoint_step_500.pt",
        "run/checkpoints/best_model.pt",
        "run/checkpoints/last.pt",
    ]
    assert [str(path) for path in (run.samples, run.best_samples)] == ["run/samples", "run/samples/best"]


def test_one_process_at_a_time_trains_in_a_folder(tmp_path):
    run = RunFolder(tmp_path / "run")

    with another_process_training_in(run.path):
        assert refusal(run) == (
            f"{run.path}: in use by another process, a training or `escuta sample`. "
            "Wait for it, or name another folder."
        )


def test_processes_that_share_a_folder_keep_others_out(tmp_path):
    run = RunFolder(tmp_path / "run")

    with run.in_use(shared=True), run.in_use(shared=True):
        assert "in use by another process" in refusal(run)
    with run.in_use(), pytest.raises(RunError, match="in use by another process"), run.in_use(shared=True):
        pass


def test_a_killed_process_lets_go_of_its_folder(tmp_path):
    run = RunFolder(tmp_path / "run")
    with another_process_training_in(run.path) as process:
        process.kill()
        process.wait()

        with run.in_use():
            assert run.path.is_dir()


def test_a_process_started_meanwhile_does_not_hold_the_folder(tmp_path):
    run = RunFolder(tmp_path / "run")
    with run.in_use():
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with child:
        with run.in_use():
            assert child.poll() is None
        child.kill()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()

    assert refusal(RunFolder(tmp_path / "file" / "run")) == (
        f"{tmp_path / 'file' / 'run'}: cannot be written (Not a directory). Choose another folder with --out."
    )
    assert refusal(RunFolder(tmp_path / "file")) == (
        f"{tmp_path / 'file'}: cannot be written (File exists). Choose another folder with --out."
    )


def test_half_checkpoints_of_a_killed_training_are_removed_by_the_next(tmp_path):
    run = RunFolder(tmp_path)
    run.checkpoints.mkdir()
    (run.checkpoints / ".checkpoint_epoch_2.pt.0a1b.partial").write_bytes(b"half")
    run.epoch_checkpoint(1).write_bytes(b"whole")

    with run.in_use():
        assert list(run.checkpoints.iterdir()) == [run.epoch_checkpoint(1)]


def test_runs_set_aside_are_numbered(tmp_path):
    run = RunFolder(tmp_path / "anna")
    for content in ("first", "second", "third"):
        run.write_facts({"content": content})
        aside = run.set_aside()
        assert RunFolder(aside).read_facts() == {"content": content}
        assert not run.path.exists()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["anna.old-1", "anna.old-2", "anna.old-3"]


def test_a_run_in_use_is_not_set_aside(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.write_facts({})

    with another_process_training_in(run.path), pytest.raises(RunError, match="in use by another process"):
        run.set_aside()

    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("out", [".", "../run", ".."])
def test_the_current_folder_is_not_set_aside(tmp_path, monkeypatch, out):
    home = tmp_path / "run" / "deep" if out == ".." else tmp_path / "run"
    home.mkdir(parents=True)
    monkeypatch.chdir(home)

    with pytest.raises(RunError) as error:
        RunFolder(Path(out)).set_aside()

    assert str(error.value) == f"{out}: holds the current folder and cannot be moved aside. Leave it, then try again."
    assert home.is_dir()


def test_facts_are_read_back(tmp_path):
    run = RunFolder(tmp_path / "run")
    assert not run.exists()

    run.write_facts({"language": "pt", "sentences": [{"text": "Olá"}]})

    assert run.exists()
    assert run.read_facts() == {"language": "pt", "sentences": [{"text": "Olá"}]}
    assert "Olá" in run.facts.read_text(encoding="utf-8")


def test_a_folder_that_is_no_run_is_told(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(RunError) as error:
            RunFolder(path).read_facts()
        assert str(error.value) == (
            f"{path}: no run.json; expected the folder of a run. Name the folder given to --out."
        )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"base": ', "Expecting value: line 1 column 10 (char 9); expected JSON."),
        (b"", "Expecting value: line 1 column 1 (char 0); expected JSON."),
        (b'{"a": "\xff"}', "'utf-8' codec can't decode byte 0xff in position 7: invalid start byte; expected JSON."),
        (b"[1]", "holds no table of facts; expected what a training wrote."),
        (b"null", "holds no table of facts; expected what a training wrote."),
    ],
)
def test_damaged_facts_are_told(tmp_path, content, message):
    run = RunFolder(tmp_path)
    run.facts.write_bytes(content)

    with pytest.raises(RunError) as error:
        run.read_facts()

    assert str(error.value) == f"{run.facts}: {message} Restore it or begin afresh with --fresh."


def test_the_base_model_is_found_in_the_facts(tmp_path):
    run = RunFolder(tmp_path)
    run.write_facts({"base": {"folder": "models/xtts"}})

    assert run.base_folder() == Path("models/xtts")


@pytest.mark.parametrize("facts", [{}, {"base": None}, {"base": {}}, {"base": {"folder": 3}}])
def test_facts_without_a_base_model_are_told(tmp_path, facts):
    run = RunFolder(tmp_path)
    run.facts.write_text(json.dumps(facts))

    with pytest.raises(RunError) as error:
        run.base_folder()

    assert str(error.value) == f"{run.facts}: does not name the base model; expected what a training wrote."

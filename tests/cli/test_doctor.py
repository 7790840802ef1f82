import json
import os

import pytest

from commands import escuta
from escuta.cli.main import main


def doctor(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["doctor", *map(str, arguments)])
    return end.value.code


def test_the_page_ends_with_yes_and_status_0(capsys):
    assert doctor() == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "This machine"
    assert lines[-1] == "✅ escuta can train and speak on this machine."


def test_json_is_one_document_on_standard_output(random_base):
    finished = escuta("doctor", "--json", "--base", random_base)

    assert finished.returncode == 0
    document = json.loads(finished.stdout)
    assert document["works"] is True
    assert {file["name"] for file in document["base"]["files"]} >= {"config.json", "vocab.json"}


def test_a_base_that_is_not_there_is_on_the_page_and_status_2(tmp_path, capsys):
    assert doctor("--base", tmp_path / "xtts") == 2

    said = capsys.readouterr()
    assert "no such folder" in said.out
    assert said.out.splitlines()[-1].startswith("❌ escuta cannot train and speak here")


def test_a_broken_pytorch_is_on_the_page_and_status_2(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise ImportError('libc10.so: cannot open')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))

    finished = escuta("doctor")

    assert (finished.returncode, finished.stderr) == (2, "")
    assert "❌ PyTorch cannot be loaded: ImportError: libc10.so: cannot open." in finished.stdout


def test_a_reproducer_is_written_but_never_over_a_file(tmp_path, capsys):
    script = tmp_path / "reproduce.py"

    assert doctor("--reproducer", script, "--base", tmp_path / "none") == 2
    assert f"Reproducer: {script}" in capsys.readouterr().out
    assert "torch.stft" in script.read_text(encoding="utf-8")

    before = script.read_bytes()
    assert doctor("--reproducer", script) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "is there already" in said.err
    assert script.read_bytes() == before

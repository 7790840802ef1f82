import json
import os
import signal
from pathlib import Path

import pytest
import torch

from commands import escuta, start_escuta
from escuta.models.load import load_model
from escuta.run.checkpoints import read_checkpoint
from listening import Server, listening, make_spoken_run
from runs import make_checkpoint, make_quick_base


def test_other_machines_are_let_in_only_when_asked_to(tmp_path: Path) -> None:
    run = make_spoken_run(tmp_path / "anna", epochs=0)
    finished = escuta("listen", run.path, "--host", "0.0.0.0", "--no-browser")

    assert finished.returncode == 2
    assert finished.stderr == (
        "--host 0.0.0.0: other machines could listen; expected 127.0.0.1. Add --share if they may.\n"
    )


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    finished = escuta("listen", tmp_path, "--no-browser")

    assert finished.returncode == 2
    assert (
        finished.stderr == f"{tmp_path}: no run.json; expected the folder of a run. Name the folder given to --out.\n"
    )


def test_an_address_of_another_machine_is_told(tmp_path: Path) -> None:
    run = make_spoken_run(tmp_path / "anna", epochs=0)
    finished = escuta("listen", run.path, "--share", "--host", "192.0.2.1", "--no-browser")

    assert finished.returncode == 2
    assert len(finished.stderr.splitlines()) == 1


def test_the_browser_is_opened_and_ctrl_c_ends_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_spoken_run(tmp_path / "anna", epochs=0)
    os.mkfifo(tmp_path / "opened")
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path / "opened"}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    process = start_escuta("listen", run.path)
    assert process.stdout
    shown = process.stdout.readline().split()[1]
    assert process.stdout.readline() == "Ctrl-C ends it.\n"

    assert (tmp_path / "opened").read_text().strip() == shown
    assert Server(shown).ask("/").status == 200
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == ""
    assert process.returncode == 0


def test_a_shared_server_shows_an_address_with_a_token(tmp_path: Path) -> None:
    run = make_spoken_run(tmp_path / "anna", epochs=0)
    with listening(run.path, "--share") as server:
        assert "/?token=" in server.address
        assert "0.0.0.0" not in server.address
        assert server.ask("/").status == 403


def test_one_file_is_written_and_nothing_served(tmp_path: Path) -> None:
    run = make_spoken_run(tmp_path / "anna", epochs=1)
    finished = escuta("listen", run.path, "--export", tmp_path / "page.html")

    assert finished.returncode == 0
    megabytes = (tmp_path / "page.html").stat().st_size / 1e6
    assert finished.stdout == f"Page:  {tmp_path / 'page.html'} ({megabytes:.1f} MB)\n"


def test_a_checkpoint_that_was_chosen_becomes_a_model_folder(tmp_path: Path, random_base: Path) -> None:
    base = make_quick_base(tmp_path / "base", random_base)
    run = make_spoken_run(tmp_path / "anna", epochs=1)
    run.write_facts({**run.read_facts(), "base": {"title": "small", "kind": "folder", "folder": str(base)}})
    make_checkpoint(run.epoch_checkpoint(1), base)
    with listening(run.path) as server:
        first, again = (server.post("/blind/0/choose", {"name": "epoch_1"}) for _ in range(2))

    folder = run.exports / "epoch_1_00000001"
    assert (first.status, again.status) == (200, 200)
    assert json.loads(first.body) == {"done": f"✅ epoch_1 exported: {folder}"}
    assert [path.name for path in run.exports.iterdir()] == [folder.name]
    exported = load_model(folder, uses=["training"]).trained_tensors()
    learned = read_checkpoint(run.epoch_checkpoint(1)).model
    assert all(torch.equal(exported[name], tensor) for name, tensor in learned.items())

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from escuta import __version__
from escuta.cli.main import plainly
from escuta.errors import SettingsError
from escuta.run.folder import RunFolder
from small_disk import run_on_small_disk

ESCUTA = [sys.executable, "-m", "escuta"]
COMMANDS = ["train", "check", "sample", "say", "export", "report", "demo", "doctor"]


def escuta(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ESCUTA, *arguments], capture_output=True, text=True, env=os.environ | environment, check=False
    )


def a_run(folder: Path) -> RunFolder:
    run = RunFolder(folder)
    run.write_facts({})
    return run


def test_help_lists_every_command():
    finished = escuta("--help")

    assert finished.returncode == 0
    listed = [line.split()[1] for line in finished.stdout.splitlines() if line.startswith("│ ") and "--" not in line]
    assert [name for name in listed if name in COMMANDS] == COMMANDS


def test_the_version_is_that_of_the_package():
    finished = escuta("--version")

    assert (finished.returncode, finished.stdout) == (0, f"escuta {__version__}\n")


@pytest.mark.parametrize("arguments", [["trian"], ["report"], ["report", "run", "--oepn"], ["train", "data", "run"]])
def test_a_mistyped_command_line_is_refused_with_status_2(arguments):
    finished = escuta(*arguments)

    assert finished.returncode == 2
    assert "Usage:" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_what_the_user_can_mend_is_one_plain_line_and_status_2(tmp_path):
    finished = escuta("report", tmp_path)

    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr == (
        f"{tmp_path}: no run.json; expected the folder of a run. Name the folder given to --out.\n"
    )


def test_the_lines_are_in_the_users_language(tmp_path):
    finished = escuta("report", tmp_path, ESCUTA_LANG="pt_BR")

    assert finished.stderr == (
        f"{tmp_path}: sem run.json; esperava-se a pasta de um treino. Indique a pasta dada a --out.\n"
    )


def test_every_problem_is_a_line(capsys):
    def command() -> None:
        raise SettingsError("seed: first.", "base: second.")

    with pytest.raises(typer.Exit) as end:
        plainly(command)()

    assert end.value.exit_code == 2
    assert capsys.readouterr().err == "seed: first.\nbase: second.\n"


def test_a_mistake_in_the_code_is_not_hidden():
    def command() -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        plainly(command)()


def test_what_the_system_refuses_is_told_with_the_path(tmp_path):
    run = a_run(tmp_path / "run")
    run.report.mkdir()

    finished = escuta("report", run.path)

    assert finished.returncode == 2
    assert finished.stderr == f"{run.report}: Is a directory. Check the path and its permissions.\n"


def test_an_error_without_a_path_is_told_too(capsys):
    def command() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(typer.Exit):
        plainly(command)()

    assert capsys.readouterr().err == (
        "disk: the disk is full; all that was written before is kept. Free some space and go on.\n"
    )


def test_a_full_disk_is_told_and_leaves_what_was_there(tmp_path):
    script = (
        'mkdir "$0/run" && echo {} > "$0/run/run.json" && echo old > "$0/run/report.html" '
        '&& head -c 30000 /dev/zero > "$0/filler"; "$@"; echo status $?; cat "$0/run/report.html"; ls -A "$0/run"'
    )

    finished = run_on_small_disk(
        tmp_path, 40960, "sh", "-c", script, str(tmp_path), *ESCUTA, "report", str(tmp_path / "run")
    )

    assert finished.stderr == (
        f"{tmp_path / 'run' / 'report.html'}: the disk is full; all that was written before is kept. "
        "Free some space and go on.\n"
    )
    assert finished.stdout.split() == ["status", "2", "old", "report.html", "run.json"]


def test_ctrl_c_ends_a_command_with_a_plain_line_and_status_130(tmp_path):
    run = RunFolder(tmp_path)
    os.mkfifo(run.facts)
    with (
        subprocess.Popen([*ESCUTA, "report", tmp_path], stderr=subprocess.PIPE, text=True) as command,
        run.facts.open("w"),  # opens when the command has begun to read
    ):
        command.send_signal(signal.SIGINT)
        _output, errors = command.communicate()

    assert (command.returncode, errors) == (130, "Interrupted; every finished checkpoint is kept.\n")


def test_a_terminal_that_cannot_show_a_character_ends_nothing(tmp_path):
    run = a_run(tmp_path / "época 💾")

    finished = escuta("report", run.path, PYTHONIOENCODING="ascii")

    assert finished.returncode == 0
    assert finished.stdout == f"Report:  {tmp_path}/?poca ?/report.html\n"

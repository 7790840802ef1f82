"""A disk that is soon full, for tests: a tmpfs that only the command run on it sees."""

import subprocess
from pathlib import Path

import pytest


def run_on_small_disk(folder: Path, num_bytes: int, *command: str) -> subprocess.CompletedProcess[str]:
    """Run `command` where `folder`, empty, is a disk of `num_bytes`; skip the test where nobody may mount one."""
    mount = f'mount -t tmpfs -o size={num_bytes} tmpfs "$0" && exec "$@"'
    enter = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(folder)]
    try:
        allowed = subprocess.run([*enter, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("unshare is not installed")
    if allowed.returncode:
        pytest.skip(f"no disk can be mounted here: {allowed.stderr.strip()}")
    return subprocess.run([*enter, *command], capture_output=True, text=True, check=False)

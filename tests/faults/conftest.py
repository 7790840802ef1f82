import subprocess

import pytest

from runs import make_quick_base
from sounds import make_dataset


@pytest.fixture(scope="session")
def quick_base(random_base, tmp_path_factory):
    """Folder of a random model that ends its sentences soon."""
    return make_quick_base(tmp_path_factory.mktemp("quick-base"), random_base)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Ten short clips: eight to learn from, and two held out."""
    return make_dataset(tmp_path_factory.mktemp("data") / "voice", 10, seconds=(1.0, 1.5, 2.0, 2.5))


@pytest.fixture(scope="session")
def mounts():
    """Skip where an unprivileged process cannot mount a file system of its own."""
    tried = subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"no file system can be mounted here: {tried.stderr.strip()}")

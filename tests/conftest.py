"""What every test lives in: English, no settings or caches of the person who runs it, no network."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from escuta.settings.sources import ENVIRONMENT_PREFIX, SHORT_VARIABLES

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: threads that spin starve the processes under test

OF_SLOW_TESTS = {"ESCUTA_PARITY_KIT", "ESCUTA_PEER_PYTHON"}
OF_THE_HUB = {"HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT", "HF_TOKEN"}


@pytest.fixture(scope="session", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The environment of all tests and of the processes that they start."""
    home = tmp_path_factory.mktemp("home")
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a background job of a shell ignores it, with its children
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in set(os.environ) - OF_SLOW_TESTS:
            if name.startswith(ENVIRONMENT_PREFIX) or name in OF_THE_HUB or name in SHORT_VARIABLES:
                monkeypatch.delenv(name)
        monkeypatch.setenv("ESCUTA_LANG", "en")
        monkeypatch.setenv("ESCUTA_SCORES__ENABLED", "false")  # one process less; the tests of scores choose otherwise
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        yield


@pytest.fixture(scope="session")
def f5_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the small random F5-TTS; read only."""
    from escuta.models.f5.newborn import make_newborn

    folder = tmp_path_factory.mktemp("f5")
    make_newborn(folder, seed=0)
    return folder


@pytest.fixture(scope="session")
def random_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the small random model; read only."""
    from escuta.models.xtts.newborn import make_newborn

    folder = tmp_path_factory.mktemp("random")
    make_newborn(folder, seed=0)
    return folder

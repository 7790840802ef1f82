import pytest

from escuta.sampling import background
from escuta.sampling.process import Workplace
from runs import make_quick_base


@pytest.fixture(scope="session")
def quick_base(random_base, tmp_path_factory):
    """Folder of a random model that ends its sentences soon."""
    return make_quick_base(tmp_path_factory.mktemp("quick-base"), random_base)


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    """Processes that speak are as important as the tests that wait for them, and are started again at once."""
    monkeypatch.setattr(background, "NICENESS", 0)
    monkeypatch.setattr(background, "BACK_OFF_SECONDS", (0.0,) * len(background.BACK_OFF_SECONDS))


@pytest.fixture
def workplace(quick_base):
    return Workplace(quick_base, "cpu", threads=1, timeout_seconds=300.0)

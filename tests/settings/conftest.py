"""Settings are read as everybody's are."""

import pytest


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    """Of all that the other tests choose by the environment."""
    monkeypatch.delenv("ESCUTA_SCORES__ENABLED")

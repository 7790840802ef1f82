import pytest

from escuta.errors import BaseError
from escuta.models.licence import CPML, require


@pytest.fixture(autouse=True)
def new_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("ESCUTA_ACCEPT_CPML", raising=False)
    monkeypatch.setenv("ESCUTA_LANG", "en")


def not_fetched() -> str:
    raise AssertionError("the licence was fetched although nobody is asked")


def test_without_consent_nobody_passes():
    with pytest.raises(BaseError) as refusal:
        require(CPML, accept=False, ask=None, full_text=not_fetched)

    assert str(refusal.value) == (
        "XTTS-v2: its licence (CPML, non-commercial use only) was not agreed to yet; expected your consent. "
        "Read LICENSE.txt of coqui/XTTS-v2, then give --accept-licence or set ESCUTA_ACCEPT_CPML=1."
    )
    assert not CPML.accepted()


def test_the_licence_itself_is_shown_before_the_question():
    shown = []

    require(CPML, accept=False, ask=lambda notice: bool(shown.append(notice)) or True, full_text=lambda: "WHEREAS\n")

    assert shown[0].startswith("WHEREAS\n\nXTTS-v2 is under the Coqui Public Model License (CPML)")
    assert "non-commercial" in shown[0]


def test_who_agreed_is_asked_no_more():
    require(CPML, accept=False, ask=lambda notice: True, full_text=lambda: "")

    assert CPML.accepted()
    require(CPML, accept=False, ask=None, full_text=not_fetched)


def test_a_no_is_kept_as_no_and_can_be_changed():
    with pytest.raises(BaseError, match="you did not agree to its licence, so nothing was downloaded"):
        require(CPML, accept=False, ask=lambda notice: False, full_text=lambda: "")

    assert not CPML.accepted()
    require(CPML, accept=True, ask=None, full_text=not_fetched)
    assert CPML.accepted()


def test_the_environment_can_agree(monkeypatch):
    monkeypatch.setenv("ESCUTA_ACCEPT_CPML", "1")

    require(CPML, accept=False, ask=None, full_text=not_fetched)

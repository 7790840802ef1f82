import json
import os
import subprocess
import sys

import pytest

from escuta.errors import BaseError, WeightsError
from escuta.models import bases
from escuta.models.bases import find_base
from escuta.models.xtts.weights import load_weights
from hub_server import Hub, serving

RELEASE = {
    "LICENSE.txt": b"Coqui Public Model License 1.0.0",
    "config.json": b"{}",
    "vocab.json": b"[]",
    "mel_stats.pth": b"statistics",
    "dvae.pth": b"codes",
    "model.pth": b"weights",
}

FIND = """
import json, sys
from pathlib import Path
from escuta.errors import BaseError
from escuta.models import bases
from escuta.models.bases import find_base
name, answer, nano = sys.argv[1:]
bases.NANO = Path(nano)
asked = []
ask = None if answer == "nobody" else lambda notice: bool(asked.append(notice)) or answer == "yes"
try:
    base = find_base(name, accept_licence=answer == "flag", ask=ask)
    print(json.dumps({"kind": base.kind, "folder": str(base.folder), "warning": base.warning, "asked": asked}))
except BaseError as error:
    print(json.dumps({"kind": "refused", "why": str(error), "asked": asked}))
"""


@pytest.fixture
def user(tmp_path):
    """A new user's environment; the caches and the consent are in `tmp_path`."""
    private = {name: str(tmp_path / name) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HF_HOME")}
    plain = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_PROXY": "127.0.0.1", "ESCUTA_LANG": "en"}
    unset = ("ESCUTA_ACCEPT_CPML", "ESCUTA_XTTS_REPO", "HF_HUB_OFFLINE")
    return {name: value for name, value in os.environ.items() if name not in unset} | private | plain


def find(user, hub, name, answer="nobody", nano="no-such-folder", **environment):
    """Find a base in a process of its own, since huggingface_hub reads its environment once."""
    environment = user | {"HF_ENDPOINT": hub.url, "ESCUTA_XTTS_REPO": hub.repo} | environment
    command = [sys.executable, "-c", FIND, name, answer, str(nano)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_folder_with_a_model_is_a_base(tmp_path):
    for name in ("model.pth", "config.json", "vocab.json"):
        (tmp_path / name).write_text("{}")

    base = find_base(str(tmp_path))

    assert (base.folder, base.kind, base.title, base.warning) == (tmp_path, "folder", tmp_path.name, None)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"has no config\.json"):
        find_base(str(tmp_path))


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BaseError) as refusal:
        find_base(str(tmp_path / "xtts"))

    assert str(refusal.value) == (
        f"--base {tmp_path / 'xtts'}: no such folder; expected a folder with a model, or xtts-v2, f5-tts, nano, "
        "random or auto."
    )


def test_the_random_base_is_whole_and_says_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    base = find_base("random")

    assert base.kind == "random"
    assert base.warning == "The base model is random and knows no language: what it says is noise."
    assert load_weights(base.folder).tensors


def test_nano_is_found_in_its_own_folder_and_needs_no_warning(random_base, monkeypatch):
    monkeypatch.setattr(bases, "NANO", random_base)

    base = find_base("nano")

    assert (base.folder, base.kind, base.title, base.warning) == (random_base, "nano", "nano", None)


def test_without_its_weights_nano_is_random_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(bases, "NANO", tmp_path / "nano")

    base = find_base("nano")

    assert base.kind == "random"
    assert base.warning == (
        "The base model is random and knows no language: what it says is noise. nano is not used: its weights are not "
        "in this copy of escuta."
    )


def test_a_base_has_a_voice_for_the_languages_it_has_recordings_of():
    base = bases.Base(bases.NANO, "nano", "nano")

    assert base.voice("pt-BR") == bases.NANO / "voices" / "pt.flac"
    assert base.voice("en") == bases.NANO / "voices" / "en.flac"
    assert base.voice("de") is None


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    with pytest.raises(BaseError) as refusal:
        find_base("random")

    assert str(refusal.value) == (
        f"{tmp_path}/cache/escuta/random: cannot be used (Not a directory); expected a place for what escuta keeps. "
        "Set XDG_CACHE_HOME and XDG_CONFIG_HOME to folders of yours."
    )


def test_xtts_is_downloaded_after_consent_and_found_without_a_network_afterwards(user):
    with serving(Hub(RELEASE)) as hub:
        first = find(user, hub, "xtts-v2", "yes")
        assert {name for name, _range in hub.fetched} == set(RELEASE)
    again = find(user, hub, "xtts-v2", "nobody")

    assert first["kind"] == "xtts-v2"
    assert [notice.startswith("Coqui Public Model License 1.0.0") for notice in first["asked"]] == [True]
    assert (again["folder"], again["asked"]) == (first["folder"], [])


def test_without_consent_nothing_but_the_licence_is_downloaded(user):
    with serving(Hub(RELEASE)) as hub:
        refused = find(user, hub, "xtts-v2", "no")
        nobody = find(user, hub, "xtts-v2", "nobody")

    assert refused["why"] == (
        "XTTS-v2: you did not agree to its licence, so nothing was downloaded. Give --base another model."
    )
    assert "give --accept-licence or set ESCUTA_ACCEPT_CPML=1" in nobody["why"]
    assert hub.fetched == [("LICENSE.txt", None)]


def test_consent_by_flag_is_remembered(user):
    with serving(Hub(RELEASE)) as hub:
        assert find(user, hub, "xtts-v2", "flag")["kind"] == "xtts-v2"
        assert find(user, hub, "auto")["kind"] == "xtts-v2"


def test_auto_without_consent_asks_nobody_fetches_nothing_and_says_why(user):
    with serving(Hub(RELEASE)) as hub:
        found = find(user, hub, "auto", "yes")

    assert (found["kind"], found["asked"], hub.fetched) == ("random", [], [])
    assert found["warning"] == (
        "The base model is random and knows no language: what it says is noise. nano is not used: its weights are not "
        "in this copy of escuta. XTTS-v2 is not used: its licence (CPML, non-commercial) was not agreed to yet; --base "
        "xtts-v2 shows it and asks, once."
    )


def test_auto_without_a_network_says_why_it_falls_back_to_nano(user, random_base):
    with serving(Hub(RELEASE)) as closed:
        pass
    found = find(user, closed, "auto", nano=random_base, ESCUTA_ACCEPT_CPML="1")

    assert (found["kind"], found["folder"]) == ("nano", str(random_base))
    assert "XTTS-v2 is not used: someone/xtts-mirror: config.json could not be downloaded" in found["warning"]


def test_xtts_in_offline_mode_is_refused_in_one_line(user):
    with serving(Hub(RELEASE)) as hub:
        found = find(user, hub, "xtts-v2", ESCUTA_ACCEPT_CPML="1", HF_HUB_OFFLINE="1")

    assert found["why"].startswith("someone/xtts-mirror: config.json could not be downloaded (")
    assert "offline mode" in found["why"]
    assert len(found["why"].splitlines()) == 1


def test_files_that_are_not_the_released_ones_are_refused(user):
    with serving(Hub(RELEASE, repo="coqui/XTTS-v2")) as hub:
        found = find(user, hub, "xtts-v2", ESCUTA_ACCEPT_CPML="1", ESCUTA_XTTS_REPO="")

    assert found["why"].startswith("coqui/XTTS-v2/config.json: its sha256 is ")

import json
import os
import subprocess
import sys

from escuta.models.f5.files import VOCOS
from escuta.models.f5.release import F5_TTS
from hub_server import Hub, serving

FILES = {
    "model_1250000.safetensors": b"weights",
    "vocab.txt": b" \n",
    "config.yaml": b"{}",
    "pytorch_model.bin": b"vocoder",
}

RELEASED = """
import json, sys
from dataclasses import replace
from pathlib import Path
from escuta.errors import BaseError
from escuta.models.bases import find_base
from escuta.models.f5 import files, release
release.F5_TTS = replace(release.F5_TTS, repo=sys.argv[1], revision="main", sha256={})
release.VOCOS = files.VOCOS = replace(files.VOCOS, repo=sys.argv[1], revision="main", sha256={})
try:
    base = find_base("f5-tts", accept_licence=sys.argv[2] == "flag")
    print(json.dumps({"kind": base.kind, "folder": str(base.folder)}))
except BaseError as error:
    print(json.dumps({"kind": "refused", "why": str(error)}))
"""


def find(home, hub, answer="nobody"):
    """Find the release in a process of its own, since huggingface_hub reads its environment once."""
    private = {name: str(home / name) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HF_HOME")}
    plain = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_PROXY": "127.0.0.1", "HF_ENDPOINT": hub.url}
    environment = {name: one for name, one in os.environ.items() if name != "HF_HUB_OFFLINE"} | private | plain
    command = [sys.executable, "-c", RELEASED, hub.repo, answer]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_release_is_downloaded_after_consent_and_found_without_a_network_afterwards(tmp_path):
    with serving(Hub(FILES)) as hub:
        first = find(tmp_path, hub, "flag")
    again = find(tmp_path, hub)

    folder = tmp_path / "XDG_CACHE_HOME" / "escuta" / "f5-tts" / "main"
    assert first == again == {"kind": "f5-tts", "folder": str(folder)}
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == FILES
    assert (folder / "vocos" / "config.yaml").is_file()


def test_without_consent_nothing_is_downloaded(tmp_path):
    with serving(Hub(FILES)) as hub:
        refused = find(tmp_path, hub)

    assert refused["why"] == (
        "F5-TTS: its licence (CC-BY-NC, non-commercial use only) was not agreed to yet; expected your consent. "
        "Read README.md of SWivid/F5-TTS, then give --accept-licence or set ESCUTA_ACCEPT_CC_BY_NC=1."
    )
    assert hub.fetched == []


def test_both_releases_are_pinned():
    for release in (F5_TTS, VOCOS):
        assert len(release.revision) == 40
        assert release.sha256.keys() < set(release.files)

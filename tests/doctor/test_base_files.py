import hashlib
import json
import shutil

import pytest

from escuta.doctor import base_files
from escuta.doctor.base_files import BaseFile, BaseModel, judge, look
from escuta.models import bases
from escuta.models.bases import XTTS_V2
from escuta.models.f5 import release
from escuta.models.f5.files import VOCOS
from escuta.models.f5.release import F5_TTS


def told(base):
    return [(one.mark, one.text) for one in judge(base)]


def test_the_files_of_a_folder_are_listed_with_their_hashes(random_base):
    base = look(str(random_base))

    assert base.folder == random_base
    assert {file.name for file in base.files} == {"model.safetensors", "config.json", "vocab.json"}
    for file in base.files:
        content = (random_base / file.name).read_bytes()
        assert (file.num_bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert {file.name: file.released for file in base.files} == {
        "model.safetensors": None,
        "config.json": False,
        "vocab.json": False,
    }
    assert [mark for mark, _text in told(base)] == ["fine", "note"]


def test_released_files_are_told_from_others(tmp_path):
    files = tuple(
        BaseFile(name, 10**9, sha256 if name != "model.pth" else "0" * 64, name != "model.pth")
        for name, sha256 in XTTS_V2.sha256.items()
    )

    assert told(BaseModel("mine", tmp_path, files)) == [
        ("fine", "Base model mine: 5 files, 5.00 GB."),
        ("fine", "As released: config.json, vocab.json, mel_stats.pth, dvae.pth."),
        (
            "note",
            "Not as released: model.pth. So it is with a model that was trained on, or of other sizes.",
        ),
    ]


def test_a_folder_that_lacks_files_is_broken(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({}))

    findings = told(look(str(tmp_path)))

    assert {mark for mark, _text in findings} == {"broken"}
    assert len(findings) == 2  # no model, no vocabulary


def test_no_folder_at_all_is_broken(tmp_path):
    [(mark, text)] = told(look(str(tmp_path / "xtts")))

    assert mark == "broken"
    assert "no such folder" in text


def test_the_files_of_the_other_family_are_listed_too(f5_base):
    base = look(str(f5_base))

    assert {"model_last.safetensors", "vocab.txt"} <= {file.name for file in base.files}
    assert told(base)[0][0] == "fine"


def test_the_release_of_f5_is_examined_where_it_is_on_disk_whoever_agreed_to_its_licence(
    f5_base, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    hub = {F5_TTS.repo: tmp_path / "hub" / "F5TTS_v1_Base", VOCOS.repo: tmp_path / "hub" / "vocos"}
    shutil.copytree(f5_base / "vocos", hub[VOCOS.repo])
    hub[F5_TTS.repo].mkdir()
    shutil.copyfile(f5_base / "model_last.safetensors", hub[F5_TTS.repo] / "model_1250000.safetensors")
    shutil.copyfile(f5_base / "vocab.txt", hub[F5_TTS.repo] / "vocab.txt")
    for module in (base_files, release):
        monkeypatch.setattr(module, "on_disk", lambda one: hub[one.repo])

    base = look("f5-tts")

    assert {file.name: file.released for file in base.files} == {
        "model_1250000.safetensors": False,
        "vocab.txt": None,
        "config.yaml": None,
        "pytorch_model.bin": False,
    }


def test_f5_that_is_not_on_disk_is_a_note_and_is_not_downloaded():
    assert told(look("f5-tts")) == [("note", "F5-TTS is not on this disk; a training with --base f5-tts downloads it.")]


@pytest.mark.parametrize("base", [None, look("xtts-v2")])
def test_a_release_that_is_not_on_disk_is_a_note_and_is_not_downloaded(base):
    assert told(base) == [("note", "XTTS-v2 is not on this disk; a training with --base xtts-v2 downloads it.")]


def test_auto_without_the_release_is_nano(random_base, monkeypatch):
    monkeypatch.setattr(bases, "NANO", random_base)
    monkeypatch.setenv("ESCUTA_ACCEPT_CPML", "1")

    base = look("auto")

    assert base.folder == random_base
    assert "model.safetensors" in {file.name for file in base.files}

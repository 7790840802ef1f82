import json
import sys
from pathlib import Path

import pytest

from escuta.errors import InstallError
from escuta.models.f5.characters import characters

SAID_BY_F5_TTS = json.loads((Path(__file__).parents[2] / "fixtures" / "parity" / "f5-text.json").read_text("utf-8"))


@pytest.mark.parametrize("case", SAID_BY_F5_TTS, ids=lambda case: case["text"][:20])
def test_texts_are_read_as_f5_tts_reads_them(case):
    assert characters(case["text"]) == case["characters"]


def test_chinese_without_its_packages_names_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "rjieba", None)

    assert characters("sem chinês")
    with pytest.raises(InstallError, match=r"package rjieba is missing.*escuta\[zh\]"):
        characters("你好")

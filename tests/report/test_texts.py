import re

import pytest

from escuta.report.page import ROOM, SCRIPTS
from escuta.report.texts import language, texts


def test_every_word_that_the_script_asks_for_is_there() -> None:
    scripts = "".join((ROOM / name).read_text(encoding="utf-8") for name in SCRIPTS if name.startswith("assets/"))
    asked = set(re.findall(r'\bsay\("(\w+)"', scripts))
    assert len(asked) > 30
    assert asked <= texts().keys()


def test_no_word_is_there_that_nobody_asks_for() -> None:
    scripts = "".join(file.read_text(encoding="utf-8") for file in sorted((ROOM / "assets").glob("*.js")))
    assert [key for key in texts() if f'"{key}"' not in scripts] == []


def test_the_words_are_in_the_language_of_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCUTA_LANG", "en")
    assert (language(), texts()["reference"]) == ("en", "Reference")
    monkeypatch.setenv("ESCUTA_LANG", "pt_BR")
    assert (language(), texts()["reference"]) == ("pt-BR", "Referência")

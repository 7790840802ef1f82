"""The tables were made by coqui-tts 0.28.0."""

import json
from pathlib import Path

import pytest
from bench.text_deviations import constructs

from escuta.errors import LanguageError
from escuta.text.languages import LANGUAGES
from escuta.text.normalise import normalise

FIXTURES = Path(__file__).parents[1] / "fixtures"
TABLES = [
    json.loads((FIXTURES / name).read_text(encoding="utf-8")) for name in ("parity/text.json", "text/cleaned.json")
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_is_read_as_the_peer_reads_it(language):
    pairs = [(raw, theirs) for table in TABLES for raw, theirs in table.get(language, [])]
    compared = [(raw, theirs) for raw, theirs in pairs if not constructs(raw, language)]
    assert len(compared) >= 10
    assert [normalise(raw, language) for raw, _ in compared] == [theirs for _, theirs in compared]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", ["", "   ", "…", "$€£", "9" * 400 + ".5", "1.2.3,4,5", "0" * 40 + "%"])
def test_no_text_is_too_odd_to_read(text, language):
    assert isinstance(normalise(text, language), str)


def test_a_number_longer_than_python_reads_is_read():
    assert normalise("R$ " + "7" * 4301, "pt") == "reais" + 4301 * " sete"


def test_the_region_of_a_language_changes_nothing():
    assert normalise("São 50%", "pt-BR") == normalise("São 50%", "pt") == "são cinquenta por cento"


def test_a_language_xtts_does_not_speak_is_refused():
    with pytest.raises(LanguageError):
        normalise("saluton", "eo")

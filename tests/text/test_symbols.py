from escuta.text.languages import LANGUAGES
from escuta.text.symbols import expand_symbols


def test_symbols_become_words_of_the_language():
    assert expand_symbols("50% & 20°", "pt").split() == ["50", "por", "cento", "e", "20", "graus"]
    assert expand_symbols("@", "de") == " at "


def test_every_language_has_words_for_all_symbols_but_japanese():
    for language in set(LANGUAGES) - {"ja"}:
        words = expand_symbols("&@%#$£°", language)
        assert len(words.split("  ")) == 7
        assert not set(words) & set("&@%#$£°")

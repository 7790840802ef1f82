"""A text as it sounds, letters alone: what was to be said and what was heard are brought into this one form."""

import unicodedata

from escuta.errors import InstallError, LanguageError
from escuta.text.languages import language_code
from escuta.text.normalise import normalise

IN_THEIR_OWN_LETTERS = {"zh-cn", "ja", "ko"}
"""XTTS reads these in Latin letters, in which words that differ look the same; a recogniser writes their own."""


def plain(text: str, language: str) -> str:
    """Lower case, numbers and symbols as words, without marks and spaces.

    Spaces are left out because where words are joined is a matter of spelling, which nobody hears. A language without
    rules here keeps its numbers as they are.
    """
    text = unicodedata.normalize("NFKC", text)
    try:
        if language_code(language) not in IN_THEIR_OWN_LETTERS:
            text = normalise(text, language)
    except (LanguageError, InstallError):
        pass
    text = unicodedata.normalize("NFC", text.casefold())
    return "".join(letter for letter in text if _sounds(letter))


def _sounds(letter: str) -> bool:
    """Whether a character is a letter, a digit, or a sign that changes a letter, as the vowels of Hindi are."""
    return unicodedata.category(letter)[0] in "LNM"

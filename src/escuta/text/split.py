"""Long text in pieces a model can say: cut after a sentence, else after a clause, else after a word."""

import re
import unicodedata
from collections.abc import Callable, Iterator

from escuta.text.abbreviations import NEVER_LAST
from escuta.text.languages import language_code

_CLOSERS = "[\"'”’»)\\]」』）】]*"
_SENTENCE_END = re.compile(rf"[.!?…؟۔।॥]+{_CLOSERS}(?=\s)|[。！？｡]+{_CLOSERS}|\n")
_CLAUSE_END = re.compile(rf"[,;:،؛—–]{_CLOSERS}(?=\s)|[，、；：]{_CLOSERS}")
_WORD_END = re.compile(r"(?<![$€£])(?=\s)")  # "R$ 10" stays together

_WORD_START = re.compile(r"[\s(\[\"'“«]")
_INITIALS = re.compile(r"(?:[^\W\d]\.)*[^\W\d]")  # "J. Silva", "i.e. this"
_DOTTED_ORDINALS = ("de", "cs", "hu", "pl", "tr")  # "am 3. Mai"


def split(
    text: str, language: str, max_characters: int, fits: Callable[[str], bool] = lambda _piece: True
) -> list[str]:
    """Cut `text` into pieces of at most `max_characters`, each as long as possible; nothing but space is lost.

    Args:
        text: Any length; a text that fits stays whole.
        language: Decides after which words a full stop ends no sentence.
        max_characters: At least 1; see `character_limit`.
        fits: Whether a piece is short enough in another way too, as numbers grow long in words; one letter always is.

    Raises:
        LanguageError: XTTS-v2 does not speak `language`.
    """
    if max_characters < 1:
        raise ValueError(f"max_characters is {max_characters}, expected at least 1")
    language = language_code(language)
    pieces = []
    rest = text.strip()
    while len(rest) > max_characters:
        end = _end_of_piece(rest, language, max_characters)
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    pieces += [rest] if rest else []
    shorter = ([piece] if fits(piece) else split(piece, language, len(piece) // 2, fits) for piece in pieces)
    return [one for some in shorter for one in some]


def _end_of_piece(text: str, language: str, max_characters: int) -> int:
    window = text[: max_characters + 2]  # an end shows in the space and the letter after it
    for ends in (_sentence_ends(window, language), _ends(_CLAUSE_END, window), _ends(_WORD_END, window)):
        if end := max((end for end in ends if end <= max_characters), default=0):
            return end
    end = max_characters
    while end > 1 and unicodedata.category(text[end]).startswith("M"):
        end -= 1  # an accent or vowel sign stays with its letter
    return end


def _ends(pattern: re.Pattern[str], text: str) -> Iterator[int]:
    return (found.end() for found in pattern.finditer(text))


def _sentence_ends(text: str, language: str) -> Iterator[int]:
    for found in _SENTENCE_END.finditer(text):
        before, mark, following = text[: found.start()], found[0], text[found.end() :].lstrip()
        if not following[:1].islower() and (mark != "." or not _keeps_its_stop(before, language)):
            yield found.end()


def _keeps_its_stop(before: str, language: str) -> bool:
    word = _WORD_START.split(before)[-1].lower()
    if word.isdecimal():
        return len(word) < 3 and language in _DOTTED_ORDINALS
    return word in NEVER_LAST.get(language, ()) or _INITIALS.fullmatch(word) is not None

"""The characters that a model knows: `vocab.txt`, one a line."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from escuta.errors import WeightsError
from escuta.messages import _
from escuta.models.f5.characters import characters

UNKNOWN_ID = 0
"""Of the space too, as in every release: what is not known is a gap."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as the model reads it."""

    ids: tuple[int, ...]
    written: tuple[str, ...]
    """The same, to be read."""
    replaced: dict[str, str]
    """What the model does not know, with what it reads instead."""
    unknown: tuple[str, ...]
    """What it does not know and reads as a gap, each once."""

    @property
    def says_something(self) -> bool:
        """Whether there is a letter or a number in it."""
        return any(one[0].isalnum() for one in self.written)


class Vocabulary:
    """The characters and syllables of one model.

    Args:
        entries: The first is the space.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self.entries = tuple(entries)
        self._ids = {entry: place for place, entry in enumerate(self.entries)}

    def __len__(self) -> int:
        return len(self.entries)

    def encode(self, text: str) -> Encoded:
        """Write `text` in what the model knows; a letter that it lacks becomes a small one, or one without its mark.

        Raises:
            InstallError: The text is Chinese, and a package that reads it is not installed.
        """
        replaced, unknown, written = {}, [], []
        for one in characters(text):
            known = self._nearest(one)
            if known is None:
                unknown.append(one)
            elif known != one:
                replaced[one] = known
            written.append(known or " ")
        ids = tuple(self._ids.get(one, UNKNOWN_ID) for one in written)
        return Encoded(ids, tuple(written), replaced, tuple(dict.fromkeys(unknown)))

    def _nearest(self, one: str) -> str | None:
        plain = unicodedata.normalize("NFKD", one.lower())
        whole = unicodedata.normalize("NFC", plain)
        for candidate in (one, one.lower(), whole, plain[:1]):
            if candidate in self._ids:
                return candidate
        return " " if one.isspace() else None


def read_vocabulary(path: Path) -> Vocabulary:
    """Read a `vocab.txt`.

    Raises:
        WeightsError: It cannot be read, or is no vocabulary of F5-TTS.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(
            _("{path}: cannot be read ({cause}); expected a vocab.txt of F5-TTS, in UTF-8.").format(
                path=path, cause=getattr(error, "strerror", None) or error
            )
        ) from error
    entries = [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]
    if not entries or entries[0] != " ":
        raise WeightsError(
            _("{path}: its first line is no space; expected the vocab.txt made with the model. Copy it again.").format(
                path=path
            )
        )
    if len(set(entries)) < len(entries):
        twice = next(entry for place, entry in enumerate(entries) if entry in entries[:place])
        raise WeightsError(
            _("{path}: has {entry!r} twice; expected every entry once. Use the vocab.txt made with the model.").format(
                path=path, entry=twice
            )
        )
    return Vocabulary(entries)

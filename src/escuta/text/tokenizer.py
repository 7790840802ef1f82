"""Text to the tokens XTTS-v2 reads, by the `vocab.json` beside its weights."""

import json
from collections.abc import Sequence
from pathlib import Path

import tokenizers

from escuta.errors import LanguageError, WeightsError
from escuta.messages import _
from escuta.text.languages import LANGUAGES, language_code
from escuta.text.normalise import normalise

STOP, UNKNOWN, SPACE, START = "[STOP]", "[UNK]", "[SPACE]", "[START]"


class Tokenizer:
    """The tokenizer of one base model.

    Args:
        vocab_file: `vocab.json` of the release, or one made by `vocabulary.py`.

    Raises:
        WeightsError: `vocab_file` is missing, damaged, or no vocabulary of XTTS-v2.
    """

    def __init__(self, vocab_file: Path) -> None:
        self._tokenizer = _load(vocab_file)
        self._vocab_file = vocab_file
        ids = self._tokenizer.get_vocab()
        missing = [token for token in (STOP, UNKNOWN, SPACE, START) if token not in ids]
        self.languages: tuple[str, ...] = tuple(language for language in LANGUAGES if _tag(language) in ids)
        if missing or not self.languages:
            raise WeightsError(
                _("{file}: token {token} is missing; expected the vocabulary of XTTS-v2. Download it again.").format(
                    file=vocab_file, token=missing[0] if missing else _tag("en")
                )
            )
        self.start_id = ids[START]
        self.stop_id = ids[STOP]
        self.num_tokens = max(ids.values()) + 1
        """Rows of the model's text embedding."""
        self._unknown_id = ids[UNKNOWN]
        self._silent_ids = {ids[token] for token in (STOP, UNKNOWN, START, *map(_tag, self.languages))}

    def encode(self, text: str, language: str) -> list[int]:
        """Return the tokens of `text`: the language's tag first, then what `normalise` makes of it; no start, no stop.

        Raises:
            LanguageError: The vocabulary has no such language.
            InstallError: The language needs a package that is not installed (Chinese, Japanese).
        """
        return list(self._tokenizer.encode(self._written(text, language)).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the normalised text that `ids` stand for; start, stop, language tags and unknowns leave no trace."""
        tokens = [self._tokenizer.id_to_token(id_) or "" for id_ in ids if id_ not in self._silent_ids]
        return "".join(tokens).replace(SPACE, " ")

    def unknown_characters(self, text: str, language: str) -> list[str]:
        """Return the characters of the normalised text the vocabulary does not have, in order, each once.

        The model sees the same `[UNK]` for all of them, so it cannot learn to say them.

        Raises:
            LanguageError: The vocabulary has no such language.
            InstallError: The language needs a package that is not installed (Chinese, Japanese).
        """
        written = self._written(text, language)
        encoding = self._tokenizer.encode(written)
        places = zip(encoding.ids, encoding.offsets, strict=True)
        return list(dict.fromkeys(written[start:end] for id_, (start, end) in places if id_ == self._unknown_id))

    def _written(self, text: str, language: str) -> str:
        code = language_code(language)
        if code not in self.languages:
            raise LanguageError(
                _("{file}: has no language {language}; it has {languages}. Choose one of these.").format(
                    file=self._vocab_file, language=code, languages=", ".join(self.languages)
                )
            )
        spoken = normalise(text, code).lower()  # German number words come capitalised, and the release has no capitals
        return _tag(code) + spoken.replace(" ", SPACE)


def _tag(language: str) -> str:
    return f"[{language}]"


def _load(vocab_file: Path) -> tokenizers.Tokenizer:
    try:
        written = vocab_file.read_text(encoding="utf-8")
        json.loads(written)
    except (OSError, ValueError) as error:
        raise WeightsError(
            _("{file}: cannot be read ({reason}); expected a vocab.json. Download it again.").format(
                file=vocab_file, reason=error.strerror if isinstance(error, OSError) else error
            )
        ) from error
    try:
        return tokenizers.Tokenizer.from_str(written)
    except Exception as error:  # all that tokenizers ever raises
        raise WeightsError(
            _("{file}: holds no tokenizer ({reason}); expected a vocab.json. Download it again.").format(
                file=vocab_file, reason=error
            )
        ) from error

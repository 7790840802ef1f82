"""The languages of XTTS-v2, and how much of each fits in one sentence."""

from escuta.errors import LanguageError
from escuta.messages import _

_CHARACTER_LIMITS = {
    "en": 250,
    "es": 239,
    "fr": 273,
    "de": 253,
    "it": 213,
    "pt": 203,
    "pl": 224,
    "tr": 226,
    "ru": 182,
    "nl": 251,
    "cs": 186,
    "ar": 166,
    "zh-cn": 82,
    "hu": 224,
    "ko": 95,
    "ja": 71,
    "hi": 150,
}  # coqui-tts 0.28.0, VoiceBpeTokenizer.char_limits: beyond it the audio may be cut short

LANGUAGES: tuple[str, ...] = tuple(_CHARACTER_LIMITS)


def language_code(language: str) -> str:
    """Return the code XTTS-v2 knows `language` by: the region is dropped, so `pt-BR` is `pt`, and `zh` is `zh-cn`.

    Raises:
        LanguageError: XTTS-v2 does not speak it.
    """
    code = bare_code(language)
    if code not in _CHARACTER_LIMITS:
        raise LanguageError(
            _("language: found {language!r}; expected one of {codes}. Choose one of these.").format(
                language=language, codes=", ".join(LANGUAGES)
            )
        )
    return code


def bare_code(language: str) -> str:
    """Write `language` as codes are written here, known or not."""
    code = language.strip().lower().replace("_", "-").partition("-")[0]
    return "zh-cn" if code == "zh" else code


def character_limit(language: str) -> int:
    """Return how many characters of `language`, as written by the user, one spoken sentence may have."""
    return _CHARACTER_LIMITS[language_code(language)]

"""From what people write to what XTTS-v2 was trained to read.

The result equals that of coqui-tts 0.28.0, quirks included, for a model reads best what it was taught with. The few
places where escuta reads better on purpose are listed, with examples, in `bench/text_deviations.py`.
"""

from escuta.text import chinese, hindi, japanese, korean, portuguese
from escuta.text.abbreviations import expand_abbreviations
from escuta.text.languages import language_code
from escuta.text.numbers import read_numbers
from escuta.text.symbols import expand_symbols


def normalise(text: str, language: str) -> str:
    """Write `text` out as it is spoken: numbers, amounts, abbreviations and symbols as words, in lower case.

    Chinese becomes pinyin with tone digits, Japanese and Korean Latin letters: XTTS-v2 reads them so.

    Raises:
        LanguageError: XTTS-v2 does not speak `language`.
        InstallError: The language needs a package that is not installed (Chinese, Japanese).
    """
    language = language_code(language)
    if language == "ja":
        return japanese.romanise(text)
    text = _lower(text.replace('"', ""), language)
    text = _read_numbers(text, language)
    text = expand_abbreviations(text, language)
    text = expand_symbols(text, language)
    text = " ".join(text.split())
    if language == "zh-cn":
        return chinese.romanise(text)
    if language == "ko":
        return korean.romanise(text)
    return text


def _lower(text: str, language: str) -> str:
    if language == "tr":
        text = text.replace("İ", "i")  # else lower() leaves a combining dot behind
    return text.lower()


def _read_numbers(text: str, language: str) -> str:
    if language == "zh-cn":
        return chinese.read_numbers(text)
    if language == "hi":
        return hindi.read_numbers(text)
    if language == "pt":
        text = portuguese.read(text)
    return read_numbers(text, language)

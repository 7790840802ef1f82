"""Numbers and amounts, as words."""

import re

from num2words import num2words

UNSAYABLE = (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError)
"""What num2words raises, by language, for a number beyond its tables or a form it does not have."""

_COMMA_THOUSANDS = re.compile(r"\b\d{1,3}(?:,\d{3})*(?:\.\d+)?\b")
_DOT_THOUSANDS = re.compile(r"\b\d{1,3}(?:.\d{3})*(?:,\d+)?\b")  # any mark may part the groups; only dots are dropped
_DECIMAL = re.compile(r"[0-9]+[.,][0-9]+")
_INTEGER = re.compile(r"[0-9]+")

_AMOUNTS = {
    "GBP": re.compile(r"£[0-9.,]*[0-9]|[0-9.,]*[0-9]£"),
    "USD": re.compile(r"\$[0-9.,]*[0-9]|[0-9.,]*[0-9]\$"),
    "EUR": re.compile(r"€[0-9.,]*[0-9]|[0-9.,]*[0-9]€"),
}
_BEFORE_CENTS = {"es": " con ", "fr": " et ", "de": " und ", "pt": " e ", "it": " e "}  # elsewhere a comma

_ORDINALS = {
    language: re.compile(rf"([0-9]+)(?:{endings})")
    for language, endings in {
        "en": "st|nd|rd|th",
        "es": "º|ª|er|o|a",
        "fr": "º|ª|er|re|e|ème",
        "de": r"st|nd|rd|th|º|ª|\.(?=\s|$)",
        "it": "º|°|ª|o|a|i|e",
        "pt": "º|ª|o|a",
        "pl": "º|ª|st|nd|rd|th",
        "tr": r"\.|inci|nci|uncu|üncü",
        "ru": "-й|-я|-е|-ое|-ье|-го",
        "nl": "de|ste|e",
        "cs": r"\.(?=\s|$)",
        "ar": "ون|ين|ث|ر|ى",
        "hu": r"\.|adik|edik|odik|ödik|ödike|ik",
        "ko": "번째|번|차|째",
    }.items()
}  # coqui-tts 0.28.0


def read_numbers(text: str, language: str) -> str:
    """Write the amounts (`£2`, `$2.50`, `2€`), decimals, ordinals and integers of lower-case `text` out in words."""
    text = _without_thousands_marks(text, language)
    text = _read_amounts(text, language)
    if language != "tr":
        text = _DECIMAL.sub(lambda found: _decimal(found[0], language), text)
    text = _ORDINALS[language].sub(lambda found: _ordinal(found, language), text)
    return _INTEGER.sub(lambda found: _cardinal(found[0], language), text)


def _without_thousands_marks(text: str, language: str) -> str:
    pattern, mark = (_COMMA_THOUSANDS, ",") if language in ("en", "ru") else (_DOT_THOUSANDS, ".")
    return pattern.sub(lambda found: found[0].replace(mark, ""), text)


def _read_amounts(text: str, language: str) -> str:
    for currency, pattern in _AMOUNTS.items():
        try:
            text = pattern.sub(lambda found: _amount(found[0], language, currency), text)  # noqa: B023 -- used at once
        except UNSAYABLE:
            break  # not every language has words for every currency; then the signs stay, as in coqui-tts 0.28.0
    return text


def _amount(written: str, language: str, currency: str) -> str:
    amount = float(written.strip("£$€").replace(",", "."))
    words = str(num2words(amount, to="currency", currency=currency, lang=language))
    units, _, cents = words.rpartition(_BEFORE_CENTS.get(language, ", "))
    zero_cents = amount.is_integer() and cents.startswith(str(num2words(0, lang=language)))
    return units if units and zero_cents else words


def _decimal(digits: str, language: str) -> str:
    try:
        return str(num2words(float(digits.replace(",", ".")), lang=language))
    except UNSAYABLE:
        return digits  # its halves are read as integers


def _ordinal(found: re.Match[str], language: str) -> str:
    try:
        return str(num2words(int(found[1]), ordinal=True, lang=language))
    except UNSAYABLE:
        return found[0]  # the number is read as an integer


def _cardinal(digits: str, language: str) -> str:
    try:
        return str(num2words(int(digits), lang=language))
    except UNSAYABLE:
        return " ".join(str(num2words(int(digit), lang=language)) for digit in digits)

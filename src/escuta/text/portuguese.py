"""Portuguese amounts, times and ordinals, which coqui-tts 0.28.0 misreads (`R$ 25,50` as "r dólar vinte e cinco...").

Reais, dollars written `US$` and times are read the Brazilian way: `R$ 16` is "dezesseis reais".
"""

import re

from num2words import num2words

from escuta.text.numbers import UNSAYABLE

_AMOUNT = re.compile(
    r"(?<!\w)(?P<sign>r|us)\$\s?(?P<whole>\d{1,3}(?:\.\d{3})+|\d+)"
    r"(?:[.,](?P<cents>\d\d?)(?!\d)|,(?P<fraction>\d+))?"
    r"(?:\s(?P<scale>mil|milhão|milhões|bilhão|bilhões|trilhão|trilhões))?(?!\w)"
)
_UNITS = {"r": ("real", "reais"), "us": ("dólar", "dólares")}
_BARE_SIGN = re.compile(r"(?<!\w)(r|us)\$")
_SPACE_AT_SIGN = re.compile(r"(?<=[€£$])(?<!\d[€£$])\s(?=\d)|(?<=\d)\s(?=[€£](?!\s?\d))")

_HOURS = re.compile(r"(?<![\w.,:])(\d{1,3})\s?h(?:rs?|s)?(?:([0-5]\d)m?|\s?([0-5]?\d)\s?min)?(?!\w)")
_CLOCK = re.compile(r"(?<![\w.,:/])([01]?\d|2[0-4]):([0-5]\d)(?:\s?h(?:rs?|s)?)?(?![\w:])")

_ORDINAL = re.compile(r"(?<![\w.,])(\d+(?:\.\d{3})*)(?:\.?([ºª])|([oa]))(s?)(?!\w)")

_FEMININE = {"um": "uma", "dois": "duas"}


def read(text: str) -> str:
    """Write the amounts, times and ordinals of lower-case `text` out in words; other numbers stay."""
    text = _AMOUNT.sub(_amount, text)
    text = _BARE_SIGN.sub(lambda found: _UNITS[found[1]][1], text)
    text = _SPACE_AT_SIGN.sub("", text)  # `€ 20` and `20 €` are read as `€20` is
    text = _HOURS.sub(lambda found: _time(found[1], found[2], found[3]), text)
    text = _CLOCK.sub(lambda found: _time(found[1], found[2], None), text)
    return _ORDINAL.sub(_ordinal, text)


def _amount(found: re.Match[str]) -> str:
    singular, plural = _UNITS[found["sign"]]
    try:
        whole = int(found["whole"].replace(".", ""))
        words = _cardinal(whole)
    except UNSAYABLE:
        return found[0]
    if found["scale"] or found["fraction"]:
        if decimals := (found["cents"] or found["fraction"] or "").rstrip("0"):
            words += " vírgula " + " ".join(_cardinal(int(digit)) for digit in decimals)
        if found["scale"]:
            words = "mil" if (words, found["scale"]) == ("um", "mil") else f"{words} {found['scale']}"
        return f"{words}{_of(words)} {plural}"
    cents = int((found["cents"] or "0").ljust(2, "0"))
    parts = []
    if whole or not cents:
        parts.append(f"{words}{_of(words)} {singular if whole == 1 else plural}")
    if cents:
        parts.append(f"{_cardinal(cents)} {'centavo' if cents == 1 else 'centavos'}")
    return " e ".join(parts)


def _of(words: str) -> str:
    return " de" if words.endswith(("lhão", "lhões")) else ""  # um milhão de reais


def _time(hours: str, minutes: str | None, said_minutes: str | None) -> str:
    words = f"{_feminine(_cardinal(int(hours)))} {'hora' if int(hours) < 2 else 'horas'}"
    if said_minutes:
        return f"{words} e {_cardinal(int(said_minutes))} {'minuto' if int(said_minutes) == 1 else 'minutos'}"
    return f"{words} e {_cardinal(int(minutes))}" if minutes and int(minutes) else words


def _ordinal(found: re.Match[str]) -> str:
    try:
        words = str(num2words(int(found[1].replace(".", "")), ordinal=True, lang="pt"))
    except UNSAYABLE:
        return found[0]
    if "ª" in found[0] or "a" in found[0]:
        words = re.sub(r"o\b", "a", words)
    return words + found[4]


def _cardinal(number: int) -> str:
    return str(num2words(number, lang="pt_BR")).replace(",", "")


def _feminine(words: str) -> str:
    words = re.sub(r"\b(um|dois)\b", lambda found: _FEMININE[found[0]], words)
    return re.sub(r"entos\b", "entas", words)

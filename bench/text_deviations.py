"""Where escuta reads text better than coqui-tts 0.28.0 on purpose: all of it, with examples that are tested."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deviation:
    """One construct that is read differently on purpose."""

    name: str
    language: str
    why: str
    written_as: re.Pattern[str] | None
    """Finds the construct in raw text; None where coqui-tts fails, so that there is nothing to compare with."""
    examples: tuple[tuple[str, str | None, str], ...]
    """What is written, what coqui-tts makes of it (None: it fails), what escuta makes of it."""


DEVIATIONS = (
    Deviation(
        "amount",
        "pt",
        'R$ and US$ were read letter by letter; a whole amount in dollars, euros or pounds was cut at its last "e".',
        re.compile(r"(?:r|us)\$|[$€£]\s?\d|\d\s?[$€£]", re.IGNORECASE),
        (
            ("R$ 25,50", "r dólar vinte e cinco vírgula cinco", "vinte e cinco reais e cinquenta centavos"),
            ("R$ 1,00", "r dólar um", "um real"),
            ("R$ 0,01", "r dólar zero vírgula zero um", "um centavo"),
            (
                "R$ 1.234,56",
                "r dólar mil duzentos e trinta e quatro vírgula cinco seis",
                "mil duzentos e trinta e quatro reais e cinquenta e seis centavos",
            ),
            ("R$ 3 mil", "r dólar três mil", "três mil reais"),
            ("R$ 2,5 milhões", "r dólar dois vírgula cinco milhões", "dois vírgula cinco milhões de reais"),
            ("R$ 1.000.000", "r dólar um milhão", "um milhão de reais"),
            ("R$ 16", "r dólar dezasseis", "dezesseis reais"),
            ("US$ 10", "us dólar dez", "dez dólares"),
            ("US$10,50", "usdez dólares e cinquenta cêntimos", "dez dólares e cinquenta centavos"),
            ("preços em R$", "preços em r dólar", "preços em reais"),
            ("25€", "vinte", "vinte e cinco euros"),
            ("€ 20", "€ vinte", "vinte euros"),
            ("20 €", "vinte €", "vinte euros"),
        ),
    ),
    Deviation(
        "time",
        "pt",
        "The h was glued to the number, the colon left. Every `14:30` is taken for a time, a verse `3:16` too.",
        re.compile(r"\b\d{1,3}\s?h(?:rs?|s)?(?:\d\d|\b)|\b\d{1,2}:\d\d\b", re.IGNORECASE),
        (
            ("14h30", "catorzehtrinta", "catorze horas e trinta"),
            ("8h", "oitoh", "oito horas"),
            ("1h", "umh", "uma hora"),
            ("22h05min", "vinte e doishcincomin", "vinte e duas horas e cinco minutos"),
            ("0h30", "zerohtrinta", "zero hora e trinta"),
            ("14:30", "catorze:trinta", "catorze horas e trinta"),
            ("16:00h", "dezasseis:zeroh", "dezesseis horas"),
        ),
    ),
    Deviation(
        "ordinal",
        "pt",
        "All ordinals were masculine, and the dotted ones were not read as ordinals.",
        re.compile(r"\d\.?ª|\d\.º|\das?\b|\.\d{3}os?\b", re.IGNORECASE),
        (
            ("1ª", "primeiro", "primeira"),
            ("21ª", "vigésimo primeiro", "vigésima primeira"),
            ("2a-feira", "segundo-feira", "segunda-feira"),
            ("as 1as", "as primeiros", "as primeiras"),
            ("2.º", "dois.º", "segundo"),
            ("3.ª", "três.ª", "terceira"),
        ),
    ),
    Deviation(
        "Hindi number",
        "hi",
        "num2words has no Hindi: any digit was an error.",
        None,
        (("12.5", None, "बारह दशमलव पाँच"), ("1,00,000", None, "एक लाख")),
    ),
    Deviation(
        "ordinal",
        "cs",
        "num2words has no Czech ordinals: any was an error, as was a sentence that ends in a number.",
        None,
        (("3. května", None, "tři. května"), ("v roce 2024.", None, "v roce dva tisíce dvacet čtyři.")),
    ),
    Deviation(
        "ordinal",
        "ko",
        "num2words lacks many Korean ordinals, from 100 on: these were errors.",
        None,
        (("100번째", None, "baegbeon-jjae"),),
    ),
    Deviation(
        "number beyond the tables",
        "pt",
        "A number too long for num2words was an error, in every language; now its digits are read one by one.",
        None,
        (("1" + 33 * "0", None, "um" + 33 * " zero"),),
    ),
)


def constructs(text: str, language: str) -> list[str]:
    """Return the names of the constructs in raw `text` that are read differently on purpose."""
    return [
        deviation.name
        for deviation in DEVIATIONS
        if language == deviation.language and deviation.written_as and deviation.written_as.search(text)
    ]

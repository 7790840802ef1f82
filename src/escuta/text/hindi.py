"""Hindi numbers, as words: coqui-tts 0.28.0 has none and fails at the first digit."""

import re

_WORDS = """
शून्य एक दो तीन चार पाँच छह सात आठ नौ
दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस
बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस
तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस
चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास
पचास इक्यावन बावन तिरपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ
साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर
सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उन्यासी
अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी
नब्बे इक्यानवे बानवे तिरानवे चौरानवे पचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे
"""
_BELOW_100 = _WORDS.split()
_UNITS = {10**11: "खरब", 10**9: "अरब", 10**7: "करोड़", 10**5: "लाख", 10**3: "हज़ार", 100: "सौ"}

_LONGEST = 13  # digits; 99 खरब, and no larger unit is in use

_NUMBER = re.compile(r"([0-9]+(?:,[0-9]+)*)(?:\.([0-9]+))?")


def read_numbers(text: str) -> str:
    """Write the integers and decimals of `text` out in words, Indian (1,00,000) or western (100,000) commas dropped."""
    return _NUMBER.sub(_number, text)


def _number(found: re.Match[str]) -> str:
    digits = found[1].replace(",", "")
    words = _cardinal(int(digits)) if len(digits) <= _LONGEST else _one_by_one(digits)
    return f"{words} दशमलव {_one_by_one(found[2])}" if found[2] else words


def _one_by_one(digits: str) -> str:
    return " ".join(_BELOW_100[int(digit)] for digit in digits)


def _cardinal(number: int) -> str:
    for value, unit in _UNITS.items():
        count, rest = divmod(number, value)
        if count:
            return f"{_cardinal(count)} {unit}" + (f" {_cardinal(rest)}" if rest else "")
    return _BELOW_100[number]

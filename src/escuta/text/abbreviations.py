"""Abbreviations: those XTTS-v2 reads out, and those that merely do not end a sentence."""

import re

_SPOKEN = {
    "en": {
        "mrs": "misess",
        "mr": "mister",
        "dr": "doctor",
        "st": "saint",
        "co": "company",
        "jr": "junior",
        "maj": "major",
        "gen": "general",
        "drs": "doctors",
        "rev": "reverend",
        "lt": "lieutenant",
        "hon": "honorable",
        "sgt": "sergeant",
        "capt": "captain",
        "esq": "esquire",
        "ltd": "limited",
        "col": "colonel",
        "ft": "fort",
    },
    "es": {
        "sra": "señora",
        "sr": "señor",
        "dr": "doctor",
        "dra": "doctora",
        "st": "santo",
        "co": "compañía",
        "jr": "junior",
        "ltd": "limitada",
    },
    "fr": {
        "mme": "madame",
        "mr": "monsieur",
        "dr": "docteur",
        "st": "saint",
        "co": "compagnie",
        "jr": "junior",
        "ltd": "limitée",
    },
    "de": {"fr": "frau", "dr": "doktor", "st": "sankt", "co": "firma", "jr": "junior"},
    "it": {
        "sig": "signore",
        "dr": "dottore",
        "st": "santo",
        "co": "compagnia",
        "jr": "junior",
        "ltd": "limitata",
    },
    "pt": {
        "sra": "senhora",
        "sr": "senhor",
        "dr": "doutor",
        "dra": "doutora",
        "st": "santo",
        "co": "companhia",
        "jr": "júnior",
        "ltd": "limitada",
    },
    "pl": {"p": "pani", "m": "pan", "dr": "doktor", "sw": "święty", "jr": "junior"},
    "tr": {"b": "bay", "byk": "büyük", "dr": "doktor"},
    "ru": {"г-жа": "госпожа", "г-н": "господин", "д-р": "доктор"},
    "nl": {"dhr": "de heer", "mevr": "mevrouw", "dr": "dokter", "jhr": "jonkheer"},
    "cs": {"dr": "doktor", "ing": "inženýr", "p": "pan"},
    "hu": {"dr": "doktor", "b": "bácsi", "nőv": "nővér"},
}  # coqui-tts 0.28.0, its spelling of "misess" included; Arabic, Chinese, Korean and Hindi have none

_PATTERNS = {
    language: [
        (re.compile(rf"\b{short}\b" if language == "ru" else rf"\b{short}\."), spoken)
        for short, spoken in abbreviations.items()
    ]
    for language, abbreviations in _SPOKEN.items()
}

_UNSPOKEN = {
    "en": "ms prof gov sen rep pres vs fig vol pp approx dept jan feb mar apr jun jul aug sep sept oct nov dec",
    "es": "srta srtas sres sras drs dres prof profa ud uds av avda núm pág págs art cap tel aprox",
    "fr": "mm mlle mmes pr prof av bd pp chap env tél",
    "de": "hr prof nr str bzw ca vgl evtl ggf inkl mio mrd tel abs bd",
    "it": "sigg prof dott avv ing arch geom rag pag pagg art cap tel",
    "pt": "srta srs sras drs dras prof profa exmo exma ilmo ilma av pça pe eng núm pág págs art cap vol tel ltda cia",
    "pl": "prof inż mgr np ul al tzn tj godz str tel św",
    "tr": "prof doç av cad no tel vb örn",
    "ru": "гг ул тыс млн млрд руб стр см проф акад",
    "nl": "prof ir ing mr drs mw bv nr blz tel",
    "cs": "prof mgr mudr judr doc str ul tj např tzv tel",
    "hu": "prof ifj pl kb ún tel",
}  # titles and the like, which a name, a number or a noun follows

NEVER_LAST = {language: frozenset([*_SPOKEN[language], *_UNSPOKEN[language].split()]) for language in _SPOKEN}
"""By language, the words after which a full stop does not end the sentence, in lower case and without the stop."""


def expand_abbreviations(text: str, language: str) -> str:
    """Write titles and company forms of lower-case `text` out."""
    for pattern, spoken in _PATTERNS.get(language, ()):
        text = pattern.sub(spoken, text)
    return text

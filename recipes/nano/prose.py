"""Sentences that Debian packages carry; `README.md` names their licences."""

import html
import random
import re
from collections.abc import Iterator
from pathlib import Path

TAG = re.compile(r"<[^>]+>")
PARAGRAPH = {".html": re.compile(r'<div class="para">(.*?)</div>', re.S), ".page": re.compile(r"<p>(.*?)</p>", re.S)}
# Marked-up words that are no words of the sentence: names of programs, files, keys and menus.
NO_WORD = re.compile(r"<(code|cmd|file|key|keyseq|gui|guiseq|sys|input|output|pre|em class)\b", re.I)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-ZÀ-Ú])")

LETTERS = {"en": "A-Za-z", "pt": "A-Za-zÀ-ÖØ-öø-ÿ"}
NUM_WORDS = range(3, 17)
RARE = re.compile(r"'|(sseis|rdes|reis|íeis|[aei]ras|ramos)$")  # possessives, and forms of verbs that nobody says
# What nobody needs to hear.
UNWANTED = re.compile(
    r"\b(kill|murder|rape|sex|naked|nude|whore|prostitut|slave|drunk|suicid|nazi|negro|bomb|devil|jew)", re.I
)

CARRIERS = {
    "en": [
        "{}, {} and {}.",
        "The word {} comes after {}.",
        "What does {} mean?",
        "Spell {}, please.",
        "He wrote {} instead of {}.",
        "First {}, then {}, and finally {}.",
    ],
    "pt": [
        "{}, {} e {}.",
        "A palavra {} vem depois de {}.",
        "O que significa {}?",
        "Escreva {}, por favor.",
        "Ele escreveu {} no lugar de {}.",
        "Primeiro {}, depois {} e por fim {}.",
    ],
}


def documents(texts: Path, language: str) -> Iterator[str]:
    """The sentences of the Debian handbook and of GNOME's help."""
    handbook = texts / "usr/share/doc/debian-handbook/html" / {"en": "en-US", "pt": "pt-BR"}[language]
    help_pages = texts / "usr/share/help" / {"en": "C", "pt": "pt_BR"}[language] / "gnome-help"
    for path in sorted([*handbook.glob("*.html"), *help_pages.glob("*.page")]):
        for paragraph in PARAGRAPH[path.suffix].findall(path.read_text(encoding="utf-8")):
            for sentence in SENTENCE_END.split(" ".join(paragraph.split())):
                if not NO_WORD.search(sentence):
                    yield html.unescape(TAG.sub("", sentence)).strip()


def examples(texts: Path) -> Iterator[str]:
    """WordNet's examples of English words in use, made into sentences."""
    for part in ("adj", "adv", "noun", "verb"):
        for line in (texts / f"usr/share/wordnet/data.{part}").read_text(encoding="latin-1").splitlines():
            for example in re.findall(r'"([^"]+)"', line.partition(" | ")[2]):
                sentence = example.strip(" ;,")
                if len(sentence.split()) > 3:  # shorter ones are phrases
                    yield sentence[0].upper() + sentence[1:] + ("" if sentence[-1] in ".!?" else ".")


def lists(texts: Path, language: str, chance: random.Random) -> Iterator[str]:
    """Endless short sentences around words of the dictionary, so that rare spellings are heard too."""
    words = [word for word in sorted(dictionary(texts, language)) if 4 <= len(word) <= 11 and not RARE.search(word)]
    while True:
        carrier = chance.choice(CARRIERS[language])
        sentence = carrier.format(*chance.sample(words, carrier.count("{}")))
        yield sentence[0].upper() + sentence[1:]


def dictionary(texts: Path, language: str) -> set[str]:
    """Every word of the language in small letters; names and abbreviations are none."""
    name = {"en": "american-english", "pt": "brazilian"}[language]
    words = (texts / "usr/share/dict" / name).read_text(encoding="utf-8").splitlines()
    return {word for word in words if re.fullmatch(f"[{LETTERS[language]}']+", word) and word.islower()}


def is_speakable(sentence: str, language: str, words: set[str]) -> bool:
    """Whether a found sentence is one that every reader says the same way: whole, plain, of known words."""
    found = re.findall(rf"[{LETTERS[language]}']+", sentence)
    return (
        re.fullmatch(rf"[A-ZÀ-Ú][{LETTERS[language]}' ,;:-]+[.!?]", sentence) is not None
        and len(found) in NUM_WORDS
        and not UNWANTED.search(sentence)
        and all(word.lower() in words or word.lower().removesuffix("'s") in words for word in found)
    )

"""Who speaks: Kokoro's voices and blends of two, how often each is drawn for a language, and who is never heard.

eSpeak NG's say words that Kokoro has no time for (`espeak.py`).

A voice's name says its first language (a, b English; p Portuguese; e, f, h, i, j, z others), then female or male. A
blend is named after both of its voices, `af_heart+bf_emma`, and lies half way between them: a voice of its own.
"""

import random

# pf_dora is the voice that `escuta demo --voice dora` learns, am_michael the English voice that nobody trained on.
# ef_dora is the Spanish twin of pf_dora. af_nicole whispers.
HELD_OUT = {"en": "am_michael", "pt": "pf_dora"}
UNHEARD = {*HELD_OUT.values(), "ef_dora", "af_nicole"}

SHARES = {  # by language, then by the first letter of a voice; 0.5 for the rest
    "en": {"a": 3.0, "b": 3.0},
    "pt": {"p": 10.0, "e": 3.0, "i": 3.0, "f": 2.0, "a": 1.0, "b": 1.0},
}
NUM_BLENDS = 80
BLENDED = 0.4  # of all clips

# Of eSpeak NG's hundred the variants of which Whisper base hears 95 % of the English letters, but for whispers and
# robots. Each speaks in two heights.
ESPEAK = (  # noqa: SIM905
    "Gene Gene2 Henrique Hugo Michael Nguyen Reed Tweaky anika antonio aunty belinda david edward f1 f2 f4 grandpa "
    "gustave john klatt klatt2 klatt3 klatt4 klatt5 klatt6 linda m1 m4 m5 m6 m8 marcelo max mike2 pablo paul steph "
    "steph2 steph3 sandro victor"
).split()
ACCENTS = {"en": {"en-us": 0.8, "en": 0.2}, "pt": {"pt-br": 1.0}}  # "en" is British
HEIGHTS = (38, 62)  # of eSpeak's 0 to 99


def shares(names: list[str], language: str) -> dict[str, float]:
    """How often each voice of training is drawn for a sentence of the language; they add up to 1."""
    heard = {name: SHARES[language].get(name[0], 0.5) for name in sorted(names) if name not in UNHEARD}
    blended = {f"{one}+{other}": heard[one] + heard[other] for one, other in blends(list(heard))}
    singles = {name: share / sum(heard.values()) * (1 - BLENDED) for name, share in heard.items()}
    return singles | {name: share / sum(blended.values()) * BLENDED for name, share in blended.items()}


def blends(names: list[str]) -> list[tuple[str, str]]:
    """Pairs of voices, both female or both male, the same for both languages."""
    pairs = [(one, other) for one in names for other in names if one < other and one[1] == other[1]]
    return random.Random("blends").sample(pairs, min(NUM_BLENDS, len(pairs)))

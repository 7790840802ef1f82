"""Choose what is said, by whom and how fast: `python -m recipes.nano.texts` writes plan.jsonl.

The plan is longer than anyone needs, and always the same: `--hours` of the next stage says how much of it is spoken.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from recipes.nano.work import HERE, arguments, read_rows, write_rows

from recipes.nano import grammar, prose, voices

LANGUAGES = ("en", "pt")
NUM_SENTENCES = 6000  # of each language: ten hours or so in all
SHARES = {"grammar": 0.45, "examples": 0.30, "documents": 0.15, "lists": 0.10}
SHARES_WITHOUT_EXAMPLES = {"grammar": 0.50, "documents": 0.38, "lists": 0.12}  # WordNet is English
NUM_SPELLING = {"en": 12000, "pt": 6000}
VALIDATION = 0.03
SPEEDS = (0.9, 1.1)
JOINED, SPELLING_JOINED = 0.35, 0.6  # WordNet's examples are short
MAX_WORDS_BEFORE_JOINED = 14


def main() -> None:
    """Write the plan and say what it holds."""
    work: Path = arguments(__doc__).parse_args().work
    with np.load(work / "kokoro" / "voices.npz") as archive:
        names = list(archive)
    plan = [*dora(), *held_out(), *training(work / "texts", names)]
    plan += spelling(work / "texts", "\n".join(row["text"] for row in plan))
    write_rows(work / "plan.jsonl", plan)
    for (split, language, source), count in sorted(
        Counter((r["split"], r["language"], r["source"]) for r in plan).items()
    ):
        print(f"{count:6} {split} {language} {source}")


def dora() -> Iterator[dict[str, Any]]:
    """The clips of the voice that the Portuguese demo learns."""
    for number, text in enumerate(lines("dora.txt"), 1):
        yield row(f"dora-{number:02}", "pt", text, split="dora", source="dora", voice=voices.HELD_OUT["pt"])


def held_out() -> Iterator[dict[str, Any]]:
    """The sentences that nobody trains on, by the voice that nobody trains on and by one of training."""
    for language, heard in (("en", "af_heart"), ("pt", "pm_alex")):
        for number, text in enumerate(lines(f"held_out/{language}.txt"), 1):
            for voice in (voices.HELD_OUT[language], heard):
                id_ = f"held-{language}-{number:02}-{voice}"
                yield row(id_, language, text, split="held_out", source="held_out", voice=voice)


def training(texts: Path, names: list[str]) -> Iterator[dict[str, Any]]:
    """Sentences of both languages in turns, each said once."""
    chosen = [sentences(texts, language, random.Random(f"texts {language}")) for language in LANGUAGES]
    shares = {language: voices.shares(names, language) for language in LANGUAGES}
    for number, pair in enumerate(zip(*chosen, strict=False), 1):
        for language, (source, text) in zip(LANGUAGES, pair, strict=True):
            chance = random.Random(f"voice {language} {number}")
            (voice,) = chance.choices(list(shares[language]), list(shares[language].values()))
            split = "validation" if chance.random() < VALIDATION else "train"
            planned = row(f"{language}-{number:05}", language, text, split=split, source=source, voice=voice)
            yield planned | {"speed": round(chance.uniform(*SPEEDS), 2)}


def spelling(texts: Path, said: str) -> Iterator[dict[str, Any]]:
    """Texts that are not among what is said already, for eSpeak: ten thousand words more."""
    chance, words, said = random.Random("spelling"), prose.dictionary(texts, "en"), said.casefold()
    for language in LANGUAGES:
        if language == "en":
            source, found = "examples", unseen(speakable(prose.examples(texts), "en", words, chance), set())
        else:
            source, found = "lists", prose.lists(texts, language, chance)
        fresh = ((source, text) for text in found if text.casefold() not in said)
        chosen = itertools.islice(joined(fresh, chance, SPELLING_JOINED), NUM_SPELLING[language])
        accents = voices.ACCENTS[language]
        for number, (_, text) in enumerate(chosen, 1):
            (accent,) = chance.choices(list(accents), list(accents.values()))
            voice = f"{accent}+{chance.choice(voices.ESPEAK)}@{chance.choice(voices.HEIGHTS)}"
            id_ = f"spelling-{language}-{number:05}"
            planned = row(id_, language, text, split="spelling", source=source, voice=voice)
            yield planned | {"speed": round(chance.uniform(*SPEEDS), 2)}


def sentences(texts: Path, language: str, chance: random.Random) -> list[tuple[str, str]]:
    """Distinct sentences with their source, shuffled; none is held out."""
    words = prose.dictionary(texts, language)
    sources: dict[str, Iterator[str]] = {
        "grammar": grammar.sentences(grammar.read_grammar(HERE / "grammar" / f"{language}.txt"), chance),
        "lists": prose.lists(texts, language, chance),
        "documents": speakable(prose.documents(texts, language), language, words, chance),
    }
    if language == "en":
        sources["examples"] = speakable(prose.examples(texts), language, words, chance)
    seen = {text.casefold() for name in (f"held_out/{language}.txt", "dora.txt") for text in lines(name)}
    chosen: list[tuple[str, str]] = []
    for source, share in (SHARES if "examples" in sources else SHARES_WITHOUT_EXAMPLES).items():
        fresh = itertools.islice(unseen(sources[source], seen), round(share * NUM_SENTENCES))
        chosen.extend((source, text) for text in fresh)
    missing = NUM_SENTENCES - len(chosen)  # where a source ran dry
    chosen.extend(("grammar", text) for text in itertools.islice(unseen(sources["grammar"], seen), missing))
    chance.shuffle(chosen)
    return list(joined(chosen, chance))


def joined(
    chosen: Iterable[tuple[str, str]], chance: random.Random, share: float = JOINED
) -> Iterator[tuple[str, str]]:
    """Now and then make two or three short sentences one text, for clips as long as those people train on."""
    rest = iter(chosen)
    for source, text in rest:
        while chance.random() < share and len(text.split()) <= MAX_WORDS_BEFORE_JOINED:
            _, more = next(rest, ("", ""))
            text = f"{text} {more}".rstrip()
        yield source, text


def unseen(found: Iterator[str], seen: set[str]) -> Iterator[str]:
    """The sentences that are not in `seen` yet, which grows by them."""
    for sentence in found:
        if sentence.casefold() not in seen:
            seen.add(sentence.casefold())
            yield sentence


def speakable(found: Iterator[str], language: str, words: set[str], chance: random.Random) -> Iterator[str]:
    """The sentences that can be read aloud, shuffled."""
    kept = [sentence for sentence in found if prose.is_speakable(sentence, language, words)]
    return iter(chance.sample(kept, len(kept)))


def row(id_: str, language: str, text: str, *, split: str, source: str, voice: str) -> dict[str, Any]:
    """One line of the plan, at Kokoro's own speed."""
    spoken = {"voice": voice, "speed": 1.0, "text": text}
    return {"id": id_, "split": split, "language": language, "source": source, **spoken}


def lines(name: str) -> list[str]:
    """The sentences of a committed list."""
    return (HERE / name).read_text(encoding="utf-8").splitlines()


def read_plan(work: Path) -> list[dict[str, Any]]:
    """The plan; an error where there is none yet."""
    plan = list(read_rows(work / "plan.jsonl"))
    if not plan:
        raise SystemExit(f"{work / 'plan.jsonl'}: nothing there; expected the plan. Run python -m recipes.nano.texts.")
    return plan


if __name__ == "__main__":
    main()

import random
import re
from pathlib import Path

import pytest
from recipes.nano.voices import HELD_OUT, UNHEARD

from recipes.nano import texts

VOICES = ["af_heart", "af_nicole", "am_michael", "ef_dora", "em_alex", "jf_alpha", "pf_dora", "pm_alex"]


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> list[dict]:
    return list(texts.training(small_texts(tmp_path_factory.mktemp("texts")), VOICES))


def small_texts(root: Path) -> Path:
    held = texts.lines("held_out/en.txt")[0]
    example = held.removesuffix(".")
    made_up = [
        f"{start}{end}" for start in ("mela", "rodi", "fuca", "bento") for end in ("ra", "mo", "lho", "ta", "pe")
    ]
    words = {*example.lower().split(), *made_up}
    for name, content in {
        "usr/share/dict/american-english": "\n".join(sorted(words)),
        "usr/share/dict/brazilian": "\n".join(made_up),
        "usr/share/help/C/gnome-help/a.page": f"<p>{held} The melara speaks softly.</p>",
        "usr/share/wordnet/data.noun": f'00 03 n | speaking; "{example}"; "the rodita spoke so softly"\n',
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    for part in ("adj", "adv", "verb"):
        (root / f"usr/share/wordnet/data.{part}").write_text("")
    return root


@pytest.mark.parametrize("language", ["en", "pt"])
def test_forty_distinct_sentences_are_held_out(language):
    assert len(set(texts.lines(f"held_out/{language}.txt"))) == 40


def test_the_demo_voice_says_other_sentences():
    said = texts.lines("dora.txt")
    assert len(set(said)) == 60
    assert not set(said) & set(texts.lines("held_out/pt.txt"))


def test_no_held_out_sentence_is_trained_on(plan):
    kept = {line for name in ("held_out/en.txt", "held_out/pt.txt", "dora.txt") for line in texts.lines(name)}
    assert not [row for row in plan if any(sentence in row["text"] for sentence in kept)]


def test_no_unheard_voice_speaks_in_training(plan):
    assert {name for row in plan for name in row["voice"].split("+")} == {*VOICES} - UNHEARD
    assert set(HELD_OUT.values()) <= UNHEARD


def test_every_sentence_is_said_once_and_the_languages_take_turns(plan):
    assert len({(row["language"], row["text"].casefold()) for row in plan}) == len(plan)
    assert [row["language"] for row in plan[:4]] == ["en", "pt", "en", "pt"]


def test_a_few_sentences_are_for_validation(plan):
    share = sum(row["split"] == "validation" for row in plan) / len(plan)
    assert share == pytest.approx(texts.VALIDATION, abs=0.01)


def test_the_plan_is_the_same_every_time(plan, tmp_path):
    assert list(texts.training(small_texts(tmp_path), VOICES)) == plan


def test_espeak_says_what_is_not_said_yet_in_voices_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "NUM_SPELLING", {"en": 9, "pt": 9})
    folder, fresh = small_texts(tmp_path), "The rodita spoke so softly."
    held = texts.lines("held_out/en.txt")[0]
    english, *portuguese = texts.spelling(folder, held)
    assert (english["split"], english["text"]) == ("spelling", fresh)
    assert re.fullmatch(r"en(-us)?\+\w+@\d\d", english["voice"])
    assert len(portuguese) == 9
    assert {row["voice"].partition("+")[0] for row in portuguese} == {"pt-br"}
    assert {row["language"] for row in texts.spelling(folder, f"{held} {fresh}")} == {"pt"}


def test_some_texts_hold_several_sentences_and_none_is_lost():
    said = [("grammar", f"Sentence {number}.") for number in range(400)]
    rows = list(texts.joined(said, random.Random(0)))
    assert " ".join(text for _, text in rows) == " ".join(text for _, text in said)
    assert 0.5 < len(rows) / len(said) < 0.8


def test_long_sentences_stay_alone():
    said = [("grammar", " ".join(["word"] * 15))] * 50
    assert list(texts.joined(said, random.Random(0))) == said

import random
import re
from itertools import islice
from pathlib import Path

import pytest
from recipes.nano.grammar import read_grammar, sentences
from recipes.nano.work import HERE


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "grammar.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_slots_are_filled_also_within_choices(tmp_path):
    grammar = read_grammar(written(tmp_path, "[sentences]\n{who} sings.\n[who]\nthe {kind} bird\n[kind]\nred | old\n"))
    assert set(islice(sentences(grammar, random.Random(0)), 30)) == {"The red bird sings.", "The old bird sings."}


def test_every_template_is_said_equally_often(tmp_path):
    grammar = read_grammar(written(tmp_path, "[sentences]\n{a}\nTwo.\nThree.\n[a]\none. | uno. | eins.\n"))
    said = list(islice(sentences(grammar, random.Random(0)), 30))
    assert said.count("Two.") == said.count("Three.") == 10


def test_a_sentence_does_not_say_the_same_choice_twice(tmp_path):
    grammar = read_grammar(written(tmp_path, "[sentences]\n{a} and {a}\n[a]\nx | y\n"))
    assert set(islice(sentences(grammar, random.Random(0)), 20)) == {"X and y", "Y and x"}


def test_slots_without_a_block_are_all_named(tmp_path):
    with pytest.raises(ValueError, match="no block for where, who"):
        read_grammar(written(tmp_path, "[sentences]\n{who} sings {where}.\n"))


@pytest.mark.parametrize("language", ["en", "pt"])
def test_the_committed_grammars_make_whole_sentences(language):
    grammar = read_grammar(HERE / "grammar" / f"{language}.txt")
    for sentence in islice(sentences(grammar, random.Random(1)), 2000):
        assert re.fullmatch(r"[\"A-ZÀ-Ú][\w ,;:'\"?!.-]+[.?!\"]", sentence), sentence
        assert "  " not in sentence, sentence

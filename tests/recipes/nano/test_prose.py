import random
from itertools import islice

import pytest

from recipes.nano import prose

WORDS = {"the", "cat", "sleeps", "on", "warm", "stones", "o", "gato", "dorme", "não", "é"}


@pytest.mark.parametrize("sentence", ["The cat sleeps on the warm stones.", "The cat's on the stones, the warm cat!"])
def test_a_plain_sentence_of_known_words_is_speakable(sentence):
    assert prose.is_speakable(sentence, "en", WORDS)


@pytest.mark.parametrize(
    "sentence",
    [
        "The cat sleeps on 3 stones.",
        "The cat sleeps on the /warm/ stones.",
        "the cat sleeps on the warm stones.",
        "The cat sleeps on the warm stones",
        "The cat sleeps on the grub.",
        "The cat.",
        "The cat " + 6 * "sleeps on the " + "stones.",
    ],
)
def test_what_readers_would_say_in_several_ways_is_not_speakable(sentence):
    assert not prose.is_speakable(sentence, "en", WORDS)


def test_portuguese_letters_are_speakable_in_portuguese_alone():
    sentence = "O gato não dorme, não é?"
    assert prose.is_speakable(sentence, "pt", WORDS)
    assert not prose.is_speakable(sentence, "en", WORDS)


def test_marked_up_words_leave_out_their_sentence(tmp_path):
    page = tmp_path / "usr/share/help/C/gnome-help/cat.page"
    page.parent.mkdir(parents=True)
    page.write_text("<page><p>The cat <em>sleeps</em>\n here. Press <key>Esc</key>. It is\n warm.</p></page>")
    assert list(prose.documents(tmp_path, "en")) == ["The cat sleeps here.", "It is warm."]


def test_examples_become_sentences_and_phrases_do_not(tmp_path):
    folder = tmp_path / "usr/share/wordnet"
    folder.mkdir(parents=True)
    for part in ("adj", "adv", "noun"):
        (folder / f"data.{part}").write_text("  1 a licence\n")
    (folder / "data.verb").write_text('00 29 v | be asleep; "the cat sleeps all day"; "sleeping cats"\n')
    assert list(prose.examples(tmp_path)) == ["The cat sleeps all day."]


def test_lists_are_made_of_words_that_are_said(tmp_path):
    folder = tmp_path / "usr/share/dict"
    folder.mkdir(parents=True)
    (folder / "american-english").write_text("apple\napple's\nbanana\ncherry\nIBM\nof\nJohn\n")
    said = " ".join(islice(prose.lists(tmp_path, "en", random.Random(0)), 50))
    assert "banana" in said
    assert not any(word in said for word in ("apple's", "IBM", "John"))

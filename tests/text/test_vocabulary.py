import json
from pathlib import Path

import pytest

from escuta.text.languages import LANGUAGES
from escuta.text.tokenizer import Tokenizer
from escuta.text.vocabulary import character_vocabulary

TABLE = json.loads((Path(__file__).parents[1] / "fixtures/parity/text.json").read_text(encoding="utf-8"))


@pytest.fixture
def tokenizer(tmp_path):
    path = tmp_path / "vocab.json"
    path.write_text(character_vocabulary(), encoding="utf-8")
    return Tokenizer(path)


def test_special_tokens_have_the_ids_of_the_release(tokenizer):
    assert (tokenizer.stop_id, tokenizer.start_id) == (0, 261)
    assert tokenizer.languages == LANGUAGES


def test_every_id_is_taken(tokenizer):
    ids = json.loads(character_vocabulary())["model"]["vocab"].values()
    assert sorted(ids) == list(range(tokenizer.num_tokens))


def test_ordinary_text_of_every_language_is_known(tokenizer):
    unknown = {
        (language, character)
        for language, pairs in TABLE.items()
        for raw, _ in pairs
        for character in tokenizer.unknown_characters(raw, language)
    }
    assert unknown == {("tr", "€")}  # Turkish amounts keep their sign


def test_the_same_vocabulary_is_made_every_time():
    assert character_vocabulary() == character_vocabulary()

import json

import pytest

from escuta.errors import LanguageError, WeightsError
from escuta.text.languages import LANGUAGES
from escuta.text.normalise import normalise
from escuta.text.tokenizer import Tokenizer
from escuta.text.vocabulary import character_vocabulary


@pytest.fixture
def vocab_file(tmp_path):
    path = tmp_path / "vocab.json"
    path.write_text(character_vocabulary(), encoding="utf-8")
    return path


@pytest.fixture
def tokenizer(vocab_file):
    return Tokenizer(vocab_file)


def test_a_text_is_a_tag_then_its_characters_with_spaces_as_tokens(tokenizer, vocab_file):
    ids = json.loads(vocab_file.read_text(encoding="utf-8"))["model"]["vocab"]
    assert tokenizer.encode("Oi, tu", "pt") == [ids[token] for token in ("[pt]", "o", "i", ",", "[SPACE]", "t", "u")]


def test_chinese_is_tagged_with_its_region(tokenizer, vocab_file):
    ids = json.loads(vocab_file.read_text(encoding="utf-8"))["model"]["vocab"]
    assert tokenizer.encode("好", "zh")[0] == ids["[zh-cn]"]


def test_what_is_encoded_is_decoded_to_the_normalised_text(tokenizer):
    text = "O Dr. Silva pagou R$ 25,50!"
    ids = [tokenizer.start_id, *tokenizer.encode(text, "pt"), tokenizer.stop_id]
    assert tokenizer.decode(ids) == normalise(text, "pt")


def test_the_merges_of_a_vocabulary_are_used(tmp_path, vocab_file):
    merged = json.loads(vocab_file.read_text(encoding="utf-8"))
    merged["model"]["vocab"]["ol"] = len(merged["model"]["vocab"])
    merged["model"]["merges"] = [["o", "l"]]
    path = tmp_path / "merged.json"
    path.write_text(json.dumps(merged), encoding="utf-8")
    tokenizer = Tokenizer(path)
    assert tokenizer.encode("olá", "pt")[1] == tokenizer.num_tokens - 1


def test_unknown_characters_are_named_once_and_in_order(tokenizer):
    assert tokenizer.unknown_characters("a ☃ b 🙂 c ☃", "en") == ["☃", "🙂"]
    assert tokenizer.unknown_characters("Bom dia!", "pt") == []


def test_the_capitals_of_german_number_words_are_not_unknown(tokenizer):
    assert tokenizer.unknown_characters("12,5 und 20€", "de") == []
    assert tokenizer.decode(tokenizer.encode("20€", "de")) == "zwanzig euro"


def test_a_language_the_vocabulary_lacks_is_refused(tmp_path, vocab_file):
    path = tmp_path / "v1.json"
    path.write_text(vocab_file.read_text(encoding="utf-8").replace("[hi]", "[xx]"), encoding="utf-8")
    tokenizer = Tokenizer(path)
    assert tokenizer.languages == tuple(language for language in LANGUAGES if language != "hi")
    with pytest.raises(LanguageError) as refused:
        tokenizer.encode("नमस्ते", "hi")
    assert str(refused.value) == (
        f"{path}: has no language hi; it has en, es, fr, de, it, pt, pl, tr, ru, nl, cs, ar, zh-cn, hu, ko, ja. "
        "Choose one of these."
    )


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda written: written[: len(written) // 2], "cannot be read"),
        (lambda written: "", "cannot be read"),
        (lambda written: "{}", "holds no tokenizer"),
        (lambda written: "[1]", "holds no tokenizer"),
        (lambda written: written.replace("[START]", "[BEGIN]"), r"token \[START\] is missing"),
    ],
)
def test_a_damaged_vocabulary_is_refused(vocab_file, damage, found):
    vocab_file.write_text(damage(vocab_file.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(WeightsError, match=rf"vocab\.json: {found}.* Download it again\.$"):
        Tokenizer(vocab_file)


def test_a_missing_vocabulary_is_refused_in_one_line(tmp_path):
    path = tmp_path / "vocab.json"
    with pytest.raises(WeightsError) as refused:
        Tokenizer(path)
    assert str(refused.value) == (
        f"{path}: cannot be read (No such file or directory); expected a vocab.json. Download it again."
    )

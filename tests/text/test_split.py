import pytest

from escuta.errors import LanguageError
from escuta.text.split import split

STORY = (
    'O Dr. Silva chegou às 14h30. Ele pagou R$ 1.500,00 por 3.5 kg, p. ex. de café! A Sra. Souza disse "não". '
    "Depois saiu... e voltou? Sim, voltou; e ficou."
)


def test_a_text_that_fits_stays_whole():
    assert split(f"  {STORY} ", "pt", len(STORY)) == [STORY]


def test_nothing_is_made_of_nothing():
    assert split(" \n ", "pt", 10) == []


def test_pieces_end_where_sentences_end():
    assert split(STORY, "pt", 60) == [
        "O Dr. Silva chegou às 14h30.",
        "Ele pagou R$ 1.500,00 por 3.5 kg, p. ex. de café!",
        'A Sra. Souza disse "não". Depois saiu... e voltou?',
        "Sim, voltou; e ficou.",
    ]


@pytest.mark.parametrize(
    ("text", "language", "pieces"),
    [
        ("He met Mr. Fox, e.g. at St. Ives. Then left.", "en", ["He met Mr. Fox, e.g. at St. Ives.", "Then left."]),
        ("Am 3. Mai kam J. Bach. Im Jahr 1703. Ende.", "de", ["Am 3. Mai kam J. Bach. Im Jahr 1703.", "Ende."]),
        ("Er kam im Jahr 1703. Danach war nichts.", "de", ["Er kam im Jahr 1703.", "Danach war nichts."]),
        ("That is all, etc. and so on. It ended.", "en", ["That is all, etc. and so on.", "It ended."]),
        ("他在这里。我也在！你呢？好的。", "zh-cn", ["他在这里。我也在！", "你呢？好的。"]),
        ("私はここ。「元気？」と聞く。", "ja", ["私はここ。「元気？」", "と聞く。"]),
        ("मैं घर जा रहा हूँ। तुम कहाँ हो? ठीक है।", "hi", ["मैं घर जा रहा हूँ।", "तुम कहाँ हो? ठीक है।"]),
        ("كيف حالك؟ أنا بخير، شكرا.", "ar", ["كيف حالك؟", "أنا بخير، شكرا."]),
        ("Primeira linha\nSegunda linha aqui", "pt", ["Primeira linha", "Segunda linha aqui"]),
    ],
)
def test_sentence_ends_are_known_by_language(text, language, pieces):
    assert split(text, language, max(map(len, pieces))) == pieces


def test_a_long_sentence_is_cut_after_a_clause_and_then_after_a_word():
    assert split("Quando chegou, era tarde; todos dormiam profundamente ali", "pt", 25) == [
        "Quando chegou, era tarde;",
        "todos dormiam",
        "profundamente ali",
    ]


def test_a_currency_sign_stays_with_its_amount():
    assert split("Isso custa só R$ 25,50", "pt", 17) == ["Isso custa só", "R$ 25,50"]


def test_a_word_too_long_is_cut_but_not_between_a_letter_and_its_sign():
    assert split("a" * 25, "en", 10) == ["a" * 10, "a" * 10, "a" * 5]
    assert split("किकिकि", "hi", 3) == ["कि", "कि", "कि"]


@pytest.mark.parametrize("limit", [1, 2, 7, 20, 50, 203])
def test_nothing_but_space_is_lost_and_every_piece_fits(limit):
    pieces = split(STORY, "pt", limit)
    assert "".join("".join(pieces).split()) == "".join(STORY.split())
    assert max(map(len, pieces)) <= limit


def test_a_limit_below_one_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="max_characters is 0"):
        split("a", "pt", 0)


def test_an_unknown_language_is_refused():
    with pytest.raises(LanguageError):
        split("a b", "eo", 2)


def test_a_piece_that_is_too_long_in_another_way_is_cut_again_and_the_others_are_not():
    def fits(piece):
        return sum(map(str.isdigit, piece)) < 12

    pieces = split("Nothing was said of it in the morning. 1234567890 1234567890 1234567890", "en", 40, fits)
    assert pieces == ["Nothing was said of it in the morning.", "1234567890", "1234567890", "1234567890"]

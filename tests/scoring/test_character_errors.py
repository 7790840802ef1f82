import pytest

from escuta.scoring.character_errors import character_error_rate, edit_distance


@pytest.mark.parametrize(
    ("wanted", "found", "edits"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ba", 2)],
)
def test_edits_are_counted(wanted, found, edits):
    assert edit_distance(wanted, found) == edit_distance(found, wanted) == edits


def test_marks_case_and_how_numbers_are_written_are_no_errors():
    assert character_error_rate("I have 25 dogs.", "i have twenty-five DOGS", "en") == 0
    assert character_error_rate("Custa R$ 25,90.", "custa vinte e cinco reais e noventa centavos", "pt") == 0


def test_a_wrong_letter_weighs_as_much_as_it_is_of_the_text():
    assert character_error_rate("um gato", "um rato", "pt") == pytest.approx(1 / 6)


def test_accents_that_are_heard_are_errors():
    assert character_error_rate("avô", "avó", "pt") == pytest.approx(1 / 3)


def test_nothing_heard_is_all_wrong_and_babble_is_worse():
    assert character_error_rate("good evening", "", "en") == 1
    assert character_error_rate("hi", "hi hi hi hi", "en") == 3


def test_a_text_without_letters_has_no_rate():
    with pytest.raises(ValueError, match="has no letter"):
        character_error_rate("...", "anything", "en")

import pytest
from recipes.nano.recognise import character_error_rate, edit_distance


@pytest.mark.parametrize(
    ("wanted", "found", "edits"),
    [("casa", "casa", 0), ("casa", "caza", 1), ("casa", "casas", 1), ("casa", "asa", 1), ("casa", "", 4), ("", "a", 1)],
)
def test_edits_are_counted(wanted, found, edits):
    assert edit_distance(wanted, found) == edits


def test_marks_accents_and_case_are_no_errors():
    assert character_error_rate("Não, você não vem?", "nao voce, NÃO vem", "pt") == 0


def test_numbers_equal_their_words():
    assert character_error_rate("Room forty-two, please.", "Room 42, please.", "en") == 0
    assert character_error_rate("Custa vinte e cinco reais.", "Custa 25 reais.", "pt") == 0


def test_the_rate_is_over_what_was_said():
    assert character_error_rate("abcd", "abxd", "en") == 0.25
    assert character_error_rate("abcd", "", "en") == 1

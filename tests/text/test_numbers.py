import pytest

from escuta.text.numbers import read_numbers


@pytest.mark.parametrize(
    ("text", "language", "spoken"),
    [
        ("1,234 and 12.5", "en", "one thousand, two hundred and thirty-four and twelve point five"),
        ("1.234 und 12,5", "de", "eintausendzweihundertvierunddreißig und zwölf Komma fünf"),
        ("$20, £1 and 20.15€", "en", "twenty dollars, one pound sterling and twenty euro, fifteen cents"),
        ("25€", "pt", "vinte e cinco euros"),
        ("31€", "fr", "trente et un euros"),
        ("am 3. mai", "de", "am dritte mai"),
        ("the 22nd", "en", "the twenty-second"),
    ],
)
def test_numbers_are_read_by_the_rules_of_the_language(text, language, spoken):
    assert read_numbers(text, language) == spoken


def test_an_amount_in_a_currency_without_words_keeps_its_sign():
    assert read_numbers("20€", "tr") == "yirmi€"


def test_an_ordinal_without_words_is_read_as_an_integer():
    assert read_numbers("3. května", "cs") == "tři. května"
    assert read_numbers("100번째", "ko") == "백번째"


def test_a_number_beyond_all_words_is_read_digit_by_digit():
    assert read_numbers("7" * 40, "pt") == " ".join(["sete"] * 40)

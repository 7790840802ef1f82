import pytest

from escuta.text.hindi import read_numbers


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("0", "शून्य"),
        ("99", "निन्यानवे"),
        ("100", "एक सौ"),
        ("2024", "दो हज़ार चौबीस"),
        ("1,00,000", "एक लाख"),
        ("12,34,567", "बारह लाख चौंतीस हज़ार पाँच सौ सड़सठ"),
        ("20000000", "दो करोड़"),
        ("12.05", "बारह दशमलव शून्य पाँच"),
        ("5वाँ", "पाँचवाँ"),
        ("7" * 14, " ".join(["सात"] * 14)),
    ],
)
def test_numbers_are_read_by_hundreds_thousands_lakhs_and_crores(text, spoken):
    assert read_numbers(text) == spoken


def test_no_two_numbers_below_a_hundred_share_a_word():
    assert len({read_numbers(str(number)) for number in range(100)}) == 100

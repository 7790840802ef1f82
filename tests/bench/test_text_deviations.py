import pytest
from bench.text_deviations import DEVIATIONS, constructs

from escuta.text.normalise import normalise

EXAMPLES = [(deviation, *example) for deviation in DEVIATIONS for example in deviation.examples]


@pytest.mark.parametrize(("deviation", "raw", "theirs", "ours"), EXAMPLES)
def test_every_listed_deviation_is_real(deviation, raw, theirs, ours):
    assert normalise(raw, deviation.language) == ours != theirs


@pytest.mark.parametrize(("deviation", "raw"), [example[:2] for example in EXAMPLES if example[0].written_as])
def test_every_listed_construct_is_found_in_raw_text(deviation, raw):
    assert deviation.name in constructs(f"Olá, {raw}.", deviation.language)


def test_ordinary_numbers_are_no_deviation():
    assert constructs("Eram 1.234,5 metros, 50% do 2º trecho, em 1987.", "pt") == []
    assert constructs("R$ 10 às 14:30", "es") == []

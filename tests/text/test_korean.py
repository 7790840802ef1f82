import pytest

from escuta.text.korean import romanise


@pytest.mark.parametrize(
    ("hangul", "latin"),
    [
        ("안녕하세요", "annyeonghase-yo"),
        ("물엿", "mul-yeos"),
        ("없었다", "eobs-eossda"),
        ("각가", "gagga"),
        ("악싸", "ag-ssa"),
        ("ok 가, 나", "ok ga, na"),
        ("ㅋㅋ", "ㅋㅋ"),
    ],
)
def test_syllables_are_written_in_latin_letters(hangul, latin):
    assert romanise(hangul) == latin

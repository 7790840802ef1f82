import pytest

from escuta.errors import LanguageError
from escuta.text.languages import LANGUAGES, bare_code, character_limit, language_code


def test_the_seventeen_languages_of_xtts_are_known():
    assert " ".join(sorted(LANGUAGES)) == "ar cs de en es fr hi hu it ja ko nl pl pt ru tr zh-cn"


@pytest.mark.parametrize(
    ("written", "code"), [("pt-BR", "pt"), ("en_US", "en"), ("FR", "fr"), ("zh", "zh-cn"), ("zh-CN", "zh-cn")]
)
def test_a_region_is_dropped(written, code):
    assert language_code(written) == code


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(LanguageError) as refused:
        language_code("tlh")
    assert str(refused.value) == (
        "language: found 'tlh'; expected one of en, es, fr, de, it, pt, pl, tr, ru, nl, cs, ar, zh-cn, hu, ko, ja, hi. "
        "Choose one of these."
    )


def test_a_language_that_nobody_knows_is_written_like_the_others():
    assert bare_code(" TLH-001 ") == "tlh"


def test_limits_differ_by_language():
    assert [character_limit(language) for language in ("pt-BR", "zh", "ja", "fr")] == [203, 82, 71, 273]

import pytest

from escuta.scoring.plain_text import plain


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("It's 9 o'clock, Dr. Smith!", "en", "itsnineoclockdoctorsmith"),
        ("Olá! São 25 reais.", "pt", "olásãovinteecincoreais"),
        ("guarda-chuva", "pt-BR", "guardachuva"),
        ("STRASSE Straße", "de", "strassestrasse"),
        ("Привет, мир!", "ru", "приветмир"),
        ("हिन्दी।", "hi", "हिन्दी"),
        ("你好,世界。", "zh-cn", "你好世界"),
        ("カタカナ、です。", "ja", "カタカナです"),
        ("Tervetuloa 7!", "fi", "tervetuloa7"),
        ("?!…", "en", ""),
    ],
)
def test_only_what_sounds_is_left_in_one_form(text, language, expected):
    assert plain(text, language) == expected


def test_composed_and_decomposed_accents_are_the_same():
    assert plain("ação", "pt") == plain("ac\u0327a\u0303o", "pt")

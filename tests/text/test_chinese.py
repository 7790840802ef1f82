import sys

import pytest

from escuta.errors import InstallError
from escuta.text.chinese import read_numbers, romanise
from escuta.text.normalise import normalise


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("2", "二"),
        ("12", "十二"),
        ("112", "一百一十二"),
        ("2222个", "两千两百二十二个"),
        ("20000个", "两万个"),
        ("10010个", "一万零一十个"),
        ("100000000个", "一亿个"),
        ("0.5", "零点五"),
        ("2024年5月1日", "二零二四年五月一日"),
        ("3块5", "三块五"),
        ("13812345678", "一三八一二三四五六七八"),
        ("010-12345678", "零一零一二三四五六七八"),
        ("1/2", "二分之一"),
        ("15％", "百分之十五"),
        ("房间2046", "房间二零四六"),
        ("b2b", "b2b"),
        ("好！“对”", "好,,对,"),
    ],
)
def test_numbers_are_read_by_what_they_count(text, spoken):
    assert read_numbers(text) == spoken


def test_characters_become_syllables_with_tones():
    assert romanise("银行长大了 ok") == "yin2hang2zhang3da4le5 ok"


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pypinyin", None)
    with pytest.raises(InstallError) as refused:
        normalise("你好", "zh-cn")
    assert str(refused.value) == (
        "language zh: package pypinyin is missing; it writes the text in Latin letters. Run: pip install 'escuta[zh]'"
    )

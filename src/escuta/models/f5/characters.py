"""Text in the characters that F5-TTS reads: letters as they are, Chinese in pinyin.

The release was trained on what a Chinese word segmenter leaves of every text, whatever its language: a space is put
before a run of Latin letters that follows another character. Models that others fine-tuned learned from such texts too,
so this does the same, and without the segmenter where nothing is Chinese.

Source: f5-tts 1.1.22, model/utils.py convert_char_to_pinyin.
"""

import re
from collections.abc import Iterable, Iterator

from escuta.text.extras import extra_package

_QUOTES = str.maketrans({";": ",", "“": '"', "”": '"', "‘": "'", "’": "'"})
_CHINESE = re.compile("[\u3100-\u9fff\uf900-\ufaff\U00020000-\U0002ffff]")
_WORD = re.compile(r"[Cc]\+\+|[Cc]#|AT&T|[a-zA-Z0-9]+(?:[._-][a-zA-Z0-9]+)*%?|[+#&._%-]+|.", re.DOTALL)
"""What the segmenter leaves together where nothing is Chinese; a few names are in its dictionary."""
_NO_SPACE_AFTER = " :'\""


def characters(text: str) -> list[str]:
    """Write `text` as the model reads it: one character, or one syllable of pinyin, each.

    Raises:
        InstallError: The text is Chinese, and a package that reads it is not installed.
    """
    written: list[str] = []
    text = text.translate(_QUOTES)
    for word in _chinese_words(text) if _CHINESE.search(text) else _WORD.findall(text):
        if word.isascii():
            if written and len(word) > 1 and written[-1] not in _NO_SPACE_AFTER:
                written.append(" ")
            written += word
        else:
            written += _spelled(word)
    return written


def _chinese_words(text: str) -> Iterable[str]:
    words: Iterable[str] = extra_package("rjieba", extra="zh").cut(text)
    return words


def _spelled(word: str) -> Iterator[str]:
    """Chinese characters in pinyin, a space before each; all else as it is."""
    if not _CHINESE.search(word):
        yield from word
        return
    pinyin = extra_package("pypinyin", extra="zh")
    is_chinese_alone = len(word.encode()) == 3 * len(word)
    spelled = (
        pinyin.lazy_pinyin(word, style=pinyin.Style.TONE3, tone_sandhi=True)
        if is_chinese_alone
        else [_syllable(character) for character in word]
    )
    for character, syllable in zip(word, spelled, strict=False):
        if "\u3100" <= character <= "\u9fff":
            yield " "
        yield syllable


def _syllable(character: str) -> str:
    if not "\u3100" <= character <= "\u9fff":
        return character
    pinyin = extra_package("pypinyin", extra="zh")
    syllable: str = pinyin.lazy_pinyin(character, style=pinyin.Style.TONE3, tone_sandhi=True)[0]
    return syllable

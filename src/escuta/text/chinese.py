"""Chinese: numbers as XTTS-v2 reads them, then pinyin with tone digits.

Source: coqui-tts 0.28.0 TTS/tts/layers/xtts/zh_num2words.py, after Zhiyang Zhou's chn_text_norm.
"""

import re
import string

from escuta.text.extras import extra_package

_DIGITS = "零一二三四五六七八九"
_UNITS = (*zip(range(44, 7, -4), "载正涧沟穰秭垓京兆亿", strict=True), (4, "万"), (3, "千"), (2, "百"), (1, "十"))
_TWO_OF_A_UNIT = re.compile(r"(?<![零一二三四五六七八九十])二(?=[百千万亿兆京垓秭穰沟涧正载])")

_MONEY_UNIT = "(?:亿|千万|百万|万|千|百|元|块|角|毛|分)"
_MEASURE_WORD = (
    "(?:[千微][克米]|[匹张座回场尾条个首阙阵网炮顶丘棵只支袭辆挑担颗壳窠曲墙群腔砣客贯扎捆刀令打手罗坡山岭江溪钟队单双对出口头脚板跳枝件贴针线"
    "管名位身堂课本页家户层丝毫厘分钱两斤铢石钧锱忽寸尺丈里寻常铺程撮勺合升斗盘碗碟叠桶笼盆盒杯斛锅簋篮罐瓶壶卮盏箩箱煲啖袋钵"
    "年月日季刻时周天秒旬纪岁世更夜春夏秋冬代伏辈丸泡粒幢堆根道面片块])"
)

_MARKS = (
    "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃《》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿"
    "–—‘’‛“”„‟…‧﹏·〈〉"
)
_MARKS_TO_COMMAS = str.maketrans(dict.fromkeys(_MARKS + string.punctuation, ","))


def romanise(text: str) -> str:
    """Write the Chinese characters of `text` in pinyin, each followed by its tone, 1 to 5.

    Raises:
        InstallError: pypinyin is not installed.
    """
    pypinyin = extra_package("pypinyin", extra="zh")
    syllables = pypinyin.pinyin(text, style=pypinyin.Style.TONE3, heteronym=False, neutral_tone_with_five=True)
    return "".join(readings[0] for readings in syllables)


def read_numbers(text: str) -> str:
    """Write dates, amounts, telephone numbers, fractions, percentages and numbers out; every mark becomes a comma.

    Each pattern reads what the ones before it left. As in the source, what a pattern found is then read at its first
    place in the text, even where that is inside another number.
    """
    text = f"^{text}$".replace("％", "%")  # so that every number has a neighbour on both sides
    for pattern, read in _READERS:
        for found in pattern.finditer(text):
            text = text.replace(found[1], read(found[1]), 1)
    return text.lstrip("^").rstrip("$").translate(_MARKS_TO_COMMAS)


def _date(date: str) -> str:
    year, mark, day = date.rpartition("年")
    return _digits(year) + mark + _numbers(day)


def _numbers(text: str) -> str:
    return re.sub(r"\d+(?:\.\d+)?", lambda found: _number(found[0]), text)


def _digits(text: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in text if digit.isdecimal())


def _number(digits: str) -> str:
    whole, _, decimals = digits.partition(".")
    words = _integer(whole) if len(whole) > 1 else _digits(whole)
    words = _TWO_OF_A_UNIT.sub("两", words)
    if decimals:
        words = f"{words or '零'}点{_digits(decimals)}"
    return words.removeprefix("一") if words.startswith("一十") else words


def _integer(digits: str) -> str:
    significant = digits.lstrip("0")
    if not significant:
        return ""
    zero = "零" if significant != digits else ""
    if len(significant) == 1:
        return zero + _digits(significant)
    power, unit = next((power, unit) for power, unit in _UNITS if power < len(significant))
    return zero + _integer(significant[:-power]) + unit + _integer(significant[-power:])


def _fraction(fraction: str) -> str:
    numerator, denominator = fraction.split("/")
    return f"{_number(denominator)}分之{_number(numerator)}"


def _percentage(percentage: str) -> str:
    return "百分之" + _number(percentage.rstrip("%"))


def _figure_two(name: str) -> str:
    return name.replace("二", "2")  # P2P, B2C


_READERS = tuple(
    (re.compile(pattern), read)
    for pattern, read in (
        (r"\D+((?:(?:[089]\d|(?:19|20)\d{2})年)?(?:\d{1,2}月(?:\d{1,2}[日号])?)?)", _date),
        (rf"\D+(\d+(?:\.\d+)?[多余几]?{_MONEY_UNIT}(?:\d{_MONEY_UNIT}?)?)", _numbers),
        (r"\D((?:\+?86 ?)?1(?:[38]\d|5[0-35-9]|7[678]|9[89])\d{8})\D", _digits),  # mobile telephones
        (r"\D((?:0(?:10|2[1-3]|[3-9]\d{2})-?)?[1-9]\d{6,7})\D", _digits),  # land lines
        (r"(\d+/\d+)", _fraction),
        (r"(\d+(?:\.\d+)?%)", _percentage),
        (rf"(\d+(?:\.\d+)?)[多余几]?{_MEASURE_WORD}", _number),
        (r"(\d{4,32})", _digits),
        (r"(\d+(?:\.\d+)?)", _number),
        (r"([a-zA-Z]+二[a-zA-Z]+)", _figure_two),
    )
)

from escuta.text.abbreviations import NEVER_LAST, expand_abbreviations


def test_titles_are_written_out():
    assert expand_abbreviations("o dr. silva e a dra. lima", "pt") == "o doutor silva e a doutora lima"
    assert expand_abbreviations("г-н иванов", "ru") == "господин иванов"


def test_a_word_that_only_ends_like_a_title_stays():
    assert expand_abbreviations("first. almost.", "en") == "first. almost."


def test_a_language_without_abbreviations_is_left_alone():
    assert expand_abbreviations("dr. 你好", "zh-cn") == "dr. 你好"


def test_titles_do_not_end_sentences():
    assert {"sra", "dr", "prof"} <= NEVER_LAST["pt"]

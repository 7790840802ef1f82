import pytest

from escuta.errors import WeightsError
from escuta.models.f5.vocabulary import Vocabulary, read_vocabulary

LETTERS = Vocabulary(" abcôõí.")


def test_letters_that_are_missing_become_the_nearest_known():
    encoded = LETTERS.encode("ÔÁª b")

    assert encoded.written == ("ô", "a", "a", " ", "b")
    assert encoded.replaced == {"Ô": "ô", "Á": "a", "ª": "a"}
    assert encoded.ids == (4, 1, 1, 0, 2)
    assert encoded.unknown == ()


def test_what_nothing_is_near_is_a_gap_and_told_once():
    encoded = LETTERS.encode("a☃☃b")

    assert encoded.ids == (1, 0, 0, 2)
    assert encoded.unknown == ("☃",)


@pytest.mark.parametrize(("text", "says"), [("...", False), ("☃", False), ("", False), ("a.", True)])
def test_a_text_without_a_known_letter_says_nothing(text, says):
    assert LETTERS.encode(text).says_something is says


def test_a_file_is_read_with_or_without_its_last_line_end(tmp_path):
    for content in (" \na\nb\n", " \na\nb", " \r\na\r\nb\r\n"):
        (tmp_path / "vocab.txt").write_bytes(content.encode())

        assert read_vocabulary(tmp_path / "vocab.txt").entries == (" ", "a", "b")


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "no space"), (b"a\nb\n", "no space"), (b" \na\na\n", "'a' twice"), (b"\xff\n", "UTF-8")]
)
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path, content, why):
    (tmp_path / "vocab.txt").write_bytes(content)

    with pytest.raises(WeightsError, match=why):
        read_vocabulary(tmp_path / "vocab.txt")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(WeightsError, match=str(tmp_path)):
        read_vocabulary(tmp_path / "vocab.txt")

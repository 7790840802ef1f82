import pytest

from escuta.data.textfile import read_text
from escuta.errors import DataError


def refusals(path) -> tuple[str, ...]:
    with pytest.raises(DataError) as caught:
        read_text(path, "notes.txt")
    return caught.value.problems


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_any_line_ending_and_mark_is_read(tmp_path, ending, mark):
    path = tmp_path / "notes.txt"
    path.write_bytes(mark + ending.join(["olá".encode(), b"", "você".encode()]))
    assert read_text(path, "notes.txt") == "olá\n\nvocê"


def test_only_line_endings_end_a_line(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("one\u2028still one\x0band still\x85one", encoding="utf-8")
    assert read_text(path, "notes.txt").count("\n") == 0


def test_every_line_that_is_not_utf_8_is_named(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes("good\ncoração\nfine\nnão\n".encode("latin-1"))
    assert refusals(path) == (
        "notes.txt line 2: not in UTF-8; cora\ufffd\ufffdo. Save the file as UTF-8.",
        "notes.txt line 4: not in UTF-8; n\ufffdo. Save the file as UTF-8.",
    )


@pytest.mark.parametrize("content", [b"\x7fELF\0\0\0", "olá\n".encode("utf-16")])
def test_a_binary_file_is_refused(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    assert refusals(path) == ("notes.txt: not a text file in UTF-8; expected plain text. Save it as UTF-8 text.",)


@pytest.mark.parametrize("content", [b"", b" \r\n\n"])
def test_an_empty_file_is_refused(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    assert refusals(path) == ("notes.txt: an empty file; expected lines of text.",)


def test_a_missing_file_is_refused(tmp_path):
    assert refusals(tmp_path / "gone.txt") == (
        "notes.txt: cannot be opened; No such file or directory. Check its name and who may read it.",
    )

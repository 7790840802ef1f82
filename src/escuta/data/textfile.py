"""A text file that a person wrote: UTF-8, with or without the mark some editors put first."""

from pathlib import Path

from escuta.errors import DataError
from escuta.messages import _


def read_text(path: Path, where: str) -> str:
    """Read a whole UTF-8 file; every kind of line ending becomes a newline.

    Args:
        path: The file.
        where: What messages call it.

    Raises:
        DataError: The file cannot be opened, is empty, or is not text in UTF-8; every bad line is named.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            _("{where}: cannot be opened; {reason}. Check its name and who may read it.").format(
                where=where, reason=error.strerror
            )
        ) from error
    if not content.strip():
        raise DataError(_("{where}: an empty file; expected lines of text.").format(where=where))
    if b"\0" in content:
        raise DataError(
            _("{where}: not a text file in UTF-8; expected plain text. Save it as UTF-8 text.").format(where=where)
        )
    lines = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    problems = [
        _("{where} line {line}: not in UTF-8; {text}. Save the file as UTF-8.").format(
            where=where, line=number, text=line.decode("utf-8", "replace")[:60]
        )
        for number, line in enumerate(lines, start=1)
        if not _is_utf8(line)
    ]
    if problems:
        raise DataError(*problems)
    return b"\n".join(lines).decode("utf-8")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

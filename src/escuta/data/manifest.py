"""The manifest of a dataset: which recording says what, line by line of `metadata.csv`.

Read are `id|text` and `id|text|normalised text` (LJSpeech) with or without a header, `audio_file|text|speaker_name`
with its header, and tables with a header whose columns are separated by a comma, a semicolon or a tab.
"""

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from escuta.audio.files import EXTENSIONS
from escuta.data.textfile import read_text
from escuta.errors import DataError
from escuta.messages import _, _n

FILE_NAME = "metadata.csv"
AUDIO_FOLDER = "wavs"

AUDIO_HEADERS = {"id", "audio", "audio_file", "audio_path", "file", "file_name", "filename", "path", "wav", "wav_file"}
TEXT_HEADERS = {"text", "sentence", "transcript", "transcription"}
NORMALISED_HEADERS = {"normalised", "normalised_text", "normalized", "normalized_text", "normalized_transcription"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the manifest."""

    line: int
    """From 1; where the line begins, if a quoted cell goes over several."""
    audio: str
    """The recording as the manifest names it."""
    text: str
    """What is said; the normalised column where there is one and it is filled."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with one line."""

    line: int
    found: str
    """What was found, what was expected, what to do."""
    left_out: bool
    """Whether the line's clip is left out of training; it is kept if it is merely worth a look."""

    @property
    def message(self) -> str:
        """The whole line for the user."""
        template = (
            _("{file} line {line}: {found} Left out.") if self.left_out else _("{file} line {line}: {found} Kept.")
        )
        return template.format(file=FILE_NAME, line=self.line, found=self.found)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The lines of `metadata.csv` that can be read, and what is wrong with the others."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where in a line the recording and its text are."""

    names: tuple[str, ...]
    audio: int
    texts: tuple[int, ...]
    """The column to prefer first."""
    fewest: int


def read_manifest(folder: Path) -> Manifest:
    """Read `metadata.csv` of a dataset folder; blank lines are skipped.

    Raises:
        DataError: The file is missing, empty or not UTF-8 text, or none of it can be understood.
    """
    where = str(folder / FILE_NAME)
    if not (folder / FILE_NAME).exists():
        raise DataError(
            _(
                "{folder}: no {file} there; expected a folder with {file} (id|text, a line a clip) and {wavs}/. Check "
                "its name."
            ).format(folder=folder, file=FILE_NAME, wavs=AUDIO_FOLDER)
        )
    lines = read_text(folder / FILE_NAME, where).split("\n")
    first = next(line for line in lines if line.strip())
    separator, columns = _layout(first)
    table = list(_pipe_cells(lines) if separator == "|" else _csv_cells(lines, separator))
    if columns:
        table = table[1:]
    else:
        columns = _Columns(("id", "text", "[normalised text]"), audio=0, texts=(2, 1), fewest=2)
        _refuse_speakers(table)

    rows, problems = [], []
    for line, cells in table:
        if found := _misfit(cells, columns, separator):
            problems.append(Problem(line, found, left_out=True))
        else:
            text = next((cells[index] for index in columns.texts if index < len(cells) and cells[index]), "")
            rows.append(Row(line, cells[columns.audio], text))
    if not rows:
        raise DataError(
            _("{where}: none of its lines reads as {layout}; the first is {first!r}. Write one line a clip.").format(
                where=where, layout="id|text", first=first.strip()[:60]
            )
        )
    return Manifest(tuple(rows), tuple(problems))


def find_audio(folder: Path, name: str) -> Path | None:
    """Find the recording that a manifest calls `name`: an id or a path, with or without its ending.

    Looked through are `wavs/` and then the dataset folder itself; of several endings wav comes first.

    Returns:
        The file, or None where there is none.
    """
    name = name.replace("\\", "/")
    endings = [""] * name.lower().endswith(EXTENSIONS)
    endings += [variant for ending in EXTENSIONS for variant in (ending, ending.upper())]
    candidates = (base / (name + ending) for base in (folder / AUDIO_FOLDER, folder) for ending in endings)
    return next((path for path in candidates if os.path.isfile(path)), None)


def _layout(first: str) -> tuple[str, _Columns | None]:
    """Guess the separator of columns, and where they are if the first line is a header."""
    for separator in "|,;\t":
        names = tuple(_unquoted(cell).lower().replace(" ", "_") for cell in first.split(separator))
        audio = [index for index, name in enumerate(names) if name in AUDIO_HEADERS]
        text = [index for index, name in enumerate(names) if name in TEXT_HEADERS]
        normalised = [index for index, name in enumerate(names) if name in NORMALISED_HEADERS]
        texts = (*normalised, *text)
        if audio and texts:
            return separator, _Columns(names, audio[0], texts, fewest=1 + max(audio[0], min(texts)))
    return "|", None


def _pipe_cells(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and cells; a line is a line, whatever quotation marks it holds."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, [_unquoted(cell) for cell in line.split("|")]


def _csv_cells(lines: list[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and cells; a quoted cell may hold separators and newlines."""
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=separator, strict=True)
    begin = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begin, [" ".join(cell.split()) for cell in cells]
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            _("{file} line {line}: its quotation marks do not pair ({reason}). Double those inside a text.").format(
                file=FILE_NAME, line=begin, reason=error
            )
        ) from error


def _unquoted(cell: str) -> str:
    """Take off the quotation marks that spreadsheets put around a whole cell, doubling those inside."""
    cell = cell.strip()
    inner = cell[1:-1]
    is_quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"').strip() if is_quoted else cell


def _misfit(cells: list[str], columns: _Columns, separator: str) -> str | None:
    if not columns.fewest <= len(cells) <= len(columns.names):
        return _n(
            "has {count} column separated by {separator!r}; expected {layout}. Mend the line.",
            "has {count} columns separated by {separator!r}; expected {layout}. Mend the line.",
            len(cells),
        ).format(count=len(cells), separator=separator, layout=separator.join(columns.names))
    if not cells[columns.audio]:
        return _("names no recording; expected its file's name in column {column!r}. Mend the line.").format(
            column=columns.names[columns.audio]
        )
    return None


def _refuse_speakers(table: list[tuple[int, list[str]]]) -> None:
    """Refuse a third column that names the speaker: without a header it would be learned as the text."""
    third = {cells[2] for _line, cells in table if len(cells) > 2}
    second = {cells[1] for _line, cells in table if len(cells) > 2}
    if len(third) == 1 < len(second) and third != {""}:
        raise DataError(
            _(
                "{file}: the third column is {text!r} on every line; expected the normalised text. "
                "If it names the speaker, make {header} the first line."
            ).format(file=FILE_NAME, text=third.pop(), header="audio_file|text|speaker_name")
        )

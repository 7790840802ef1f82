"""Gather what users read from the source, update the translations, and compile them.

    make messages

Translations are kept. A message that changed keeps its old translation, marked `fuzzy`, until somebody looks at it and
removes the mark; until then it is shown in English. Exit status 1 when anything is left to translate.
"""

import ast
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SOURCE = Path(__file__).resolve().parents[1] / "src" / "escuta"
PORTUGUESE = SOURCE / "messages" / "pt_BR" / "LC_MESSAGES" / "escuta.po"

KEYWORDS = {"_": (1,), "_n": (1, 2)}
"""The functions that translate, and which of their arguments are messages."""
HEADER = r"""msgid ""
msgstr ""
"Language: pt_BR\n"
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\n"

"""
"""Without dates and versions, so that a file changes only when a message does."""


def main() -> int:
    """Bring the Portuguese translation up to date."""
    catalog = updated(PORTUGUESE, extracted(SOURCE))
    write(PORTUGUESE, catalog)
    left = untranslated(catalog)
    sys.stdout.write(f"{PORTUGUESE.relative_to(SOURCE)}: {len(catalog)} messages, {len(left)} left to translate\n")
    sys.stdout.writelines(f"  {text!r}\n" for text in left)
    return 1 if left else 0


def extracted(source: Path) -> Catalog:
    """Find every message in the Python files and page templates under `source`.

    Raises:
        ValueError: A message is not written out where it is asked for, so that nobody could translate it.
    """
    catalog = Catalog()
    for file in sorted(source.rglob("*.py")):
        for texts in _python_messages(file):
            catalog.add(texts, locations=[(file.relative_to(source).as_posix(), 0)])
    for file in sorted(source.rglob("*.html")):
        for _line, texts, *_comments in extract_from_file("jinja2", file, KEYWORDS, options={"silent": "no"}):
            catalog.add(texts, locations=[(file.relative_to(source).as_posix(), 0)])
    return catalog


def _python_messages(file: Path) -> Iterator[str | tuple[str, ...]]:
    """Find the messages of one file; Babel's own search misses those inside f-strings."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    for node in sorted(nodes, key=lambda node: getattr(node, "lineno", 0)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
            arguments = node.args[: len(KEYWORDS[node.func.id])]
            texts = tuple(
                one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )
            if len(texts) < len(arguments):
                raise ValueError(f"{file} line {node.lineno}: the message is not a literal; write _('...').format(...)")
            yield texts if len(texts) > 1 else texts[0]


def updated(file: Path, template: Catalog) -> Catalog:
    """Read the translations in `file` and bring them to the messages of `template`."""
    catalog = read(file)
    catalog.update(template)
    return catalog


def read(file: Path) -> Catalog:
    """Read the translations in `file`; none when there is no such file."""
    return read_po(io.StringIO(file.read_text(encoding="utf-8") if file.exists() else HEADER), locale="pt_BR")


def write(file: Path, catalog: Catalog) -> None:
    """Write `catalog` to `file`, and compiled beside it."""
    content = io.BytesIO()
    write_po(
        content, catalog, width=112, omit_header=True, sort_by_file=True, include_lineno=False, ignore_obsolete=True
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HEADER + content.getvalue().decode().lstrip("\n"), encoding="utf-8")
    catalog = read(file)
    catalog.creation_date = catalog.revision_date = datetime.fromtimestamp(0, UTC)
    with file.with_suffix(".mo").open("wb") as compiled:
        write_mo(compiled, catalog)


def untranslated(catalog: Catalog) -> list[str]:
    """List the messages that have no translation, or one that nobody has looked at since the message changed."""
    messages = [message for message in catalog if message.id]
    return [_forms(message.id)[0] for message in messages if message.fuzzy or not all(_forms(message.string))]


def _forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    """Singular and plural, or the one form there is."""
    return [text or ""] if isinstance(text, str | None) else list(text)


if __name__ == "__main__":
    sys.exit(main())

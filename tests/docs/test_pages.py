"""What the pages name is there: commands, flags, make's targets, files, headings; and the same in both languages."""

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from escuta.cli.main import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / name for name in ("README.md", "README.pt-BR.md", "CONTRIBUTING.md"))])
COMMANDS = ("train", "check", "sample", "say", "score", "export", "report", "listen", "demo", "doctor")
SCRIPTS = {  # whose options each takes, and its own
    "train/scripts/train_xtts.py": ("train", {"--dataset"}),
    "scripts/generate_checkpoint_samples.py": ("sample", set()),
    "scripts/generate_sample_subprocess.py": ("say", {"--reference_wav", "--text", "--output", "--checkpoint"}),
}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.fixture(scope="session")
def flags(tmp_path_factory):
    """The flags of every command, as its --help has them."""

    @cache
    def of(command: str) -> set[str]:
        help_text = tmp_path_factory.mktemp("help") / "text"
        with pytest.MonkeyPatch.context() as monkeypatch, help_text.open("w", encoding="utf-8") as file:
            monkeypatch.setenv("COLUMNS", "200")
            monkeypatch.setattr("sys.stdout", file)
            with pytest.raises(SystemExit):
                main([command, "--help"])
        found = set(re.findall(r"(?<![\w-])-{1,2}[a-z_-]+", help_text.read_text("utf-8")))
        assert "--help" in found
        return found

    return of


def code(page: Path) -> list[str]:
    """Every line of code on a page, in blocks and within sentences."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"```(?:bash)\n(.*?)```", text, re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [line.strip() for block in blocks for line in block.splitlines()] + inline


def words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:  # a quotation mark of a sentence
        return line.split()


@pages
def test_every_command_and_flag_is_there(page, flags):
    for line in code(page):
        asked = {word.partition("=")[0] for word in words(line) if word.startswith("--")}
        if match := re.match(r"(?:\.venv/bin/)?escuta ([a-z]+)", line):
            assert match[1] in COMMANDS, line
            assert asked <= flags(match[1]), line
        elif script := next((script for script in SCRIPTS if script in line), None):
            command, own = SCRIPTS[script]
            assert asked <= flags(command) | own, line
        elif line.startswith("--"):
            everything = set().union(*(flags(command) for command in COMMANDS), *(own for _, own in SCRIPTS.values()))
            assert asked <= everything, line


@pages
def test_every_target_of_make_is_there(page):
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for line in code(page):
        if match := re.match(r"make ([a-z0-9-]+)", line):
            assert match[1] in targets, line


@pages
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        name, _, heading = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), target
        if heading:
            assert heading in headings(linked), target


@pytest.mark.parametrize("page", [DOCS / "monitoring.md", DOCS / "pt-BR" / "monitoring.md"], ids=["en", "pt-BR"])
def test_the_lines_of_the_log_are_those_of_the_program(page):
    catalogue = (ROOT / "src/escuta/messages/pt_BR/LC_MESSAGES/escuta.po").read_text("utf-8")
    said = " ".join(catalogue.split())
    rows = [row for row in page.read_text("utf-8").splitlines() if row.startswith("| `")]
    quotes = [quote for row in rows for quote in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert len(quotes) > 10
    for quote in quotes:
        assert re.split(r"…|\d|\(|epoch_|checkpoint_", quote)[0].strip() in said, quote


def headings(page: Path) -> set[str]:
    """The anchors of a page."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", title.lower()).replace(" ", "-") for title in titles}


def test_both_languages_have_the_same_pages():
    english = {page.name for page in DOCS.glob("*.md")}
    assert english == {page.name for page in (DOCS / "pt-BR").glob("*.md")}
    assert english >= {"index.md", "using.md", "settings.md", "run-folder.md"}


@pytest.mark.parametrize("language", ["", "pt-BR"])
def test_every_page_is_linked_from_the_index(language):
    index = (DOCS / language / "index.md").read_text("utf-8")
    assert all(f"({page.name})" in index for page in (DOCS / language).glob("*.md") if page.name != "index.md")


def test_decisions_are_numbered_and_short():
    records = sorted((DOCS / "decisions").glob("*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    for record in records:
        lines = record.read_text("utf-8").splitlines()
        assert lines[0].startswith(f"# {record.name[:4]}. "), record
        assert len(lines) <= 20, record

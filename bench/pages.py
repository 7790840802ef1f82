"""Where figures are kept: a file of JSON, and tables on the pages of the documentation."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGES = ("benchmarks.md", "pt-BR/benchmarks.md")
END = "<!-- end -->"


@dataclass(frozen=True, slots=True)
class Pages:
    """Where the figures of one benchmark are kept."""

    name: str
    """Of the JSON file, and of the marker that its tables stand behind."""
    tables: Callable[[Mapping[str, Any], str], str]
    """What a page says of a result."""
    results: Path
    """The folder of the JSON file."""
    docs: Path
    """The folder of the pages."""

    @property
    def file(self) -> Path:
        """All that was measured."""
        return self.results / f"{self.name}.json"

    def sections(self) -> dict[str, Any]:
        """What was measured before."""
        if not self.file.exists():
            return {}
        sections: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))["sections"]
        return sections

    def write(self, result: Mapping[str, Any]) -> None:
        """Put `result` in place of what was there, and its tables between their markers, which stay."""
        self.results.mkdir(exist_ok=True)
        self.file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        for page in PAGES:
            put(self.docs / page, self.name, self.tables(result, page))


def put(page: Path, name: str, tables: str) -> None:
    """Put `tables` between the markers of `name` on a page, or at its end where it has none."""
    begin = f"<!-- {name} -->\n"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{begin}{tables}\n{END}{after}", encoding="utf-8")

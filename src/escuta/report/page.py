"""report.html: all of a run to see and hear, on one page that needs neither server nor network."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from escuta.messages import _
from escuta.report.view import document
from escuta.run.folder import RunFolder
from escuta.run.publish import publish_text

ROOM = Path(__file__).parent
STYLES = ("vendor/uPlot.min.css", "assets/page.css")
SCRIPTS = (
    "vendor/uPlot.min.js",
    "vendor/wavesurfer.min.js",
    "assets/data.js",
    "assets/takes.js",
    "assets/deck.js",
    "assets/table.js",
    "assets/curves.js",
    "assets/page.js",
)
"""In the order in which they need each other."""


def write_report(run: RunFolder) -> None:
    """Write the page of `run` from what its files hold now; what is missing or damaged is a gap on the page.

    Raises:
        OSError: The page cannot be written.
    """
    publish_text(run.report, render(document([run])))


def render(
    content: Mapping[str, Any], *, assets: str | None = None, scripts: Sequence[str] = (), nonce: str = ""
) -> str:
    """Write the page.

    Args:
        content: What `view.document` returns. It may have `files` too, data: addresses of files by what comes before
            them and their names: `{"samples/epoch_1_output.wav": "data:..."}`.
        assets: Where `assets/` and `vendor/` of this room are served, as "/"; None puts what is needed into the page.
        scripts: More of their scripts, run after the others.
        nonce: Of the served scripts, for a content security policy; what they style has it too.
    """
    put = (lambda name: assets + name) if assets else _content
    page = _template().render(
        language=content["language"],
        title=", ".join(view["name"] for view in content["runs"]),
        document=_json(content),
        needs_script=_("This page needs JavaScript."),
        styles=[*map(put, STYLES)],
        scripts=[*map(put, (*SCRIPTS, *scripts))],
        nonce=nonce,
    )
    return page.encode(errors="replace").decode()  # names of folders need not be Unicode


def _content(name: str) -> Markup:
    return Markup((ROOM / name).read_text(encoding="utf-8"))


def _json(content: Mapping[str, Any]) -> Markup:
    """JSON that cannot end the script element it is in."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(ROOM), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html")

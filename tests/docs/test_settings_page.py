"""docs/settings.md and its translation tell the settings as settings.py has them."""

import re
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from escuta.settings import Settings
from escuta.settings.sources import SHORT_VARIABLES

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "settings.md", DOCS / "pt-BR" / "settings.md"]
SIGNS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def fields(model: type[BaseModel], prefix: str = "") -> dict[str, FieldInfo]:
    found = {}
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            found |= fields(section, f"{name}.")
        else:
            found[prefix + name] = field
    return found


def default(field: FieldInfo) -> str:
    if field.default is None:
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def values(field: FieldInfo) -> str:
    kinds = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else (field.annotation,)
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    if bool in kinds:
        choices = ["true", "false"]
    bounds = [
        f"{sign} {getattr(one, name)}" for one in field.metadata for name, sign in SIGNS.items() if hasattr(one, name)
    ]
    for pattern in (one.pattern for one in field.metadata if hasattr(one, "pattern")):
        choices = [device for device in ("cpu", "mps", "cuda", "cuda:1") if re.match(pattern, device)]
    return ", ".join([*(f"`{choice}`" for choice in choices), *bounds])


def table(page: Path) -> dict[str, list[str]]:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.read_text("utf-8").splitlines()]
    return {row[0].strip("`"): row[1:] for row in rows if len(row) == 4 and row[0].startswith("`")}


def expected(field: FieldInfo) -> list[Any]:
    return [default(field), values(field), " ".join((field.description or "").split())]


def test_the_page_tells_every_setting_its_default_its_values_and_its_meaning():
    assert table(PAGES[0]) == {name: expected(field) for name, field in fields(Settings).items()}


def test_the_translation_tells_the_same_settings():
    translated = {name: row[:2] for name, row in table(PAGES[1]).items()}
    assert translated == {name: expected(field)[:2] for name, field in fields(Settings).items()}
    assert all(row[2] for row in table(PAGES[1]).values())


@pytest.mark.parametrize("page", PAGES, ids=["en", "pt-BR"])
def test_the_short_variables_are_told(page):
    told = dict(re.findall(r"`([A-Z_]+)=\d+`[^`]*`([a-z_.]+)`", page.read_text("utf-8")))
    assert told == SHORT_VARIABLES

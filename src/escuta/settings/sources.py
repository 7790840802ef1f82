"""Where settings come from: flags over environment over a file; every problem of all of them is told at once.

A variable is named after its setting: `ESCUTA_TRAINING__EPOCHS=3`. Two short names are kept for the guide's readers.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from escuta.errors import SettingsError
from escuta.messages import _
from escuta.settings.python_file import read_python
from escuta.settings.schema import Settings, setting_names

SHORT_VARIABLES = {"MAX_TRAIN_SAMPLES": "data.max_clips", "NUM_EPOCHS": "training.epochs"}
ENVIRONMENT_PREFIX = "ESCUTA_"


def load_settings(
    file: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings of a run.

    Args:
        file: A TOML file with the sections of `Settings`, or a Python file of plain assignments, as the guide's.
        flags: Dotted names to values, as given on the command line; None values say nothing.
        environment: Variables; those of this process when not given.

    Raises:
        SettingsError: A setting is unknown or out of range, or the file is unreadable; every problem at once.
    """
    problems: list[str] = []
    sources = {
        _("command line"): nested({name: value for name, value in (flags or {}).items() if value is not None}),
        **_of_environment(os.environ if environment is None else environment),
        str(file): _read_file(file, problems) if file else {},
    }
    merged: dict[str, Any] = {}
    for source in reversed(sources.values()):
        merged = _merge(merged, source)
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        problems += [_explain(problem, sources) for problem in error.errors()]
    if problems:
        raise SettingsError(*problems)
    return settings


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn dotted names into nested tables: `{"a.b": 1}` into `{"a": {"b": 1}}`; where two collide, the later wins."""
    tables: dict[str, Any] = {}
    for name, value in values.items():
        for part in reversed(name.split(".")):
            value = {part: value}
        tables = _merge(tables, value)
    return tables


def plain_value(text: str) -> Any:
    """Read a value as TOML has it; what is none is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def nearest_setting(name: str) -> str:
    """Name the setting that `name` most likely meant."""
    names = setting_names()
    leaves = {full.rpartition(".")[2]: full for full in names}
    match = difflib.get_close_matches(name, names, 1, 0.3) or difflib.get_close_matches(
        name.rpartition(".")[2], leaves, 1, 0
    )
    return leaves.get(match[0], match[0])


def _explain(problem: Any, sources: Mapping[str, Mapping[str, Any]]) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    where = next((source for source, table in sources.items() if _holds(table, problem["loc"])), _("settings"))
    if problem["type"] == "extra_forbidden":
        nearest = nearest_setting(name)
        if where.startswith(ENVIRONMENT_PREFIX):
            nearest = ENVIRONMENT_PREFIX + nearest.upper().replace(".", "__")
        return _("{where}: {name} is not a setting. Did you mean {nearest}?").format(
            where=where, name=name, nearest=nearest
        )
    return _("{where}: {name} is {value!r}; expected {expected}.").format(
        where=where, name=name, value=problem["input"], expected=_expected(problem["type"], problem.get("ctx", {}))
    )


def _expected(kind: str, limits: Mapping[str, Any]) -> str:
    match kind:
        case "greater_than":
            return _("a number above {limit:g}").format(limit=limits["gt"])
        case "greater_than_equal":
            return _("{limit:g} or more").format(limit=limits["ge"])
        case "less_than":
            return _("a number below {limit:g}").format(limit=limits["lt"])
        case "less_than_equal":
            return _("{limit:g} or less").format(limit=limits["le"])
        case "literal_error":
            return _("one of {choices}").format(choices=limits["expected"].replace(" or ", ", "))
        case "bool_parsing" | "bool_type":
            return _("true or false")
        case "path_type":
            return _("a file's name")
        case "model_type" | "dict_type":
            return _("a section of settings")
        case "string_pattern_mismatch":
            return _("cpu, mps, cuda or cuda:N")
        case _ if kind.startswith("int"):
            return _("a whole number")
        case "finite_number" | "float_type" | "float_parsing":
            return _("a number")
        case _:
            return _("text")


def _holds(table: Any, location: tuple[Any, ...]) -> bool:
    try:
        for part in location:
            table = table[part]
    except (LookupError, TypeError):
        return False
    return True


def _merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(lower)
    for name, value in upper.items():
        old = merged.get(name)
        merged[name] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _of_environment(environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Every variable that is a setting or seems meant for one, each a source by itself; short names come last."""
    names = [*Settings.model_fields, *setting_names()]
    spellings = [*(name.rpartition(".")[2] for name in names), *(name.replace(".", "_") for name in names)]
    sources = {}
    for variable, text in environment.items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
        is_meant = "." in name or difflib.get_close_matches(name, spellings, 1, 0.8)
        if variable.startswith(ENVIRONMENT_PREFIX) and text and is_meant:
            sources[variable] = nested({name: plain_value(text)})
    for variable, name in SHORT_VARIABLES.items():
        if value := environment.get(variable):
            sources[variable] = nested({name: plain_value(value)})
    return sources


def _read_file(file: Path, problems: list[str]) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8-sig")
        return nested(read_python(file, text, problems)) if file.suffix == ".py" else tomllib.loads(text)
    except FileNotFoundError:
        problems.append(_("{file}: not found; expected a settings file.").format(file=file))
    except OSError as error:
        problems.append(_("{file}: not a settings file; {reason}.").format(file=file, reason=error.strerror))
    except (ValueError, SyntaxError) as error:
        problems.append(_("{file}: not a settings file; {reason}.").format(file=file, reason=error))
    return {}

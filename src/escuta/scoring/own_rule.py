"""A rule of the user's own: a function in a Python file or in a module that is installed, named in `scores.rule`."""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from escuta.errors import SettingsError
from escuta.messages import _
from escuta.scoring.rule import Choice, Rule, Yardstick, choose
from escuta.scoring.scored import Scored


def find_rule(name: str | None) -> Rule:
    """Find the rule called `name`, as `my_rules.py:choose` or `my_package.rules:choose`; None is escuta's own.

    This runs the file: it is the user's own code, never taken from a run's folder without being asked for.

    Returns:
        The rule; what it answers is checked at each call, and it raises SettingsError where that is no choice.

    Raises:
        SettingsError: There is no such function.
    """
    if name is None:
        return choose
    place, _colon, function_name = name.rpartition(":")
    if not place:
        raise SettingsError(
            _("scores.rule {name!r}: expected a file or module and its function, as my_rules.py:choose.").format(
                name=name
            )
        )
    module = _load(name, place)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise SettingsError(
            _("scores.rule {name!r}: {place} has no function {function}. Define it, or name another.").format(
                name=name, place=place, function=function_name
            )
        )
    return _checked(name, function)


def _load(name: str, place: str) -> ModuleType:
    path = Path(place)
    try:
        if path.suffix != ".py":
            return importlib.import_module(place)
        spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
        assert spec is not None
        assert spec.loader is not None, "a name that ends in .py has a loader"
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    except Exception as error:  # whatever the user's own code raises is theirs to mend
        raise SettingsError(
            _("scores.rule {name!r}: cannot be loaded ({reason}); expected a Python file or module.").format(
                name=name, reason=_reason(error)
            )
        ) from error


def _checked(name: str, function: Callable[[Sequence[Scored], Yardstick], Any]) -> Rule:
    def rule(checkpoints: Sequence[Scored], yardstick: Yardstick) -> Choice:
        try:
            answer = function(checkpoints, yardstick)
        except Exception as error:  # as above
            raise SettingsError(
                _("scores.rule {name!r}: failed ({reason}); mend it, or leave scores.rule out.").format(
                    name=name, reason=_reason(error)
                )
            ) from error
        match answer:
            case (Scored() as best, str(reason)) if best in checkpoints:
                return Choice(best, reason)
        raise SettingsError(
            _("scores.rule {name!r}: answered {answer!r}; expected one of the checkpoints, and why.").format(
                name=name, answer=answer
            )
        )

    return rule


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]

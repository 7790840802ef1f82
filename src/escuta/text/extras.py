"""Packages that only some languages need."""

from importlib import import_module
from types import ModuleType

from escuta.errors import InstallError
from escuta.messages import _


def extra_package(name: str, *, extra: str) -> ModuleType:
    """Import package `name`, which `escuta[extra]` installs.

    Raises:
        InstallError: It is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        raise InstallError(
            _(
                "language {extra}: package {name} is missing; it writes the text in Latin letters. "
                "Run: pip install 'escuta[{extra}]'"
            ).format(extra=extra, name=missing.name)
        ) from missing

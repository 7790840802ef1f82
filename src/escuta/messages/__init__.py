"""What the user reads, in English or Portuguese.

English is the source; `pt_BR/LC_MESSAGES/escuta.po` translates it. The language follows `ESCUTA_LANG`, else the locale.
"""

import gettext
import os
from functools import cache
from pathlib import Path


def _(message: str) -> str:
    """Translate `message` into the user's language; placeholders stay, so `_("{n} clips").format(n=3)`."""
    return _catalogue(_language()).gettext(message)


def _n(singular: str, plural: str, count: int) -> str:
    """Translate the form of a message that fits `count`."""
    return _catalogue(_language()).ngettext(singular, plural, count)


def _language() -> str:
    for name in ("ESCUTA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "pt_BR" if value.lower().startswith("pt") else "en"
    return "en"


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("escuta", Path(__file__).parent, [language], fallback=True)

"""Japanese: XTTS-v2 reads it in Latin letters."""

from functools import cache
from typing import Any

from escuta.text.extras import extra_package


def romanise(text: str) -> str:
    """Write `text` in lower-case Hepburn romaji.

    Raises:
        InstallError: cutlet, or the dictionary it reads by, is not installed.
    """
    return str(_cutlet().romaji(text)).lower()


@cache
def _cutlet() -> Any:
    extra_package("unidic_lite", extra="ja")
    return extra_package("cutlet", extra="ja").Cutlet()

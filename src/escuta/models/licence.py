"""The licence of XTTS-v2: shown once, agreed to once, remembered.

The CPML allows non-commercial use only, of the model and of what it says; a fine-tuned XTTS-v2 is under it too.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from escuta.errors import BaseError
from escuta.messages import _
from escuta.run.publish import publish_text

CONSENT_VARIABLE = "ESCUTA_ACCEPT_CPML"


def cpml_accepted() -> bool:
    """Whether this user agreed, earlier or through `ESCUTA_ACCEPT_CPML=1`."""
    return os.environ.get(CONSENT_VARIABLE) == "1" or _consent_file().is_file()


def require_cpml(*, accept: bool, ask: Callable[[str], bool] | None, full_text: Callable[[], str]) -> None:
    """Let only those pass who agree to the CPML, and remember that they did.

    Args:
        accept: They already said so, by `--accept-licence`.
        ask: Shows a notice to a person and returns their answer; None when nobody is there to answer.
        full_text: Fetches the licence itself, to be shown before the question.

    Raises:
        BaseError: They did not agree, or nobody was there to ask.
    """
    if cpml_accepted():
        return
    if not accept and ask is None:
        raise BaseError(
            _(
                "XTTS-v2: its licence (CPML, non-commercial use only) was not agreed to yet; expected your consent. "
                "Read LICENSE.txt of coqui/XTTS-v2, then give --accept-licence or set {variable}=1."
            ).format(variable=CONSENT_VARIABLE)
        )
    if not accept and ask is not None and not ask(_notice(full_text())):
        raise BaseError(
            _("XTTS-v2: you did not agree to its licence, so nothing was downloaded. Give --base another model.")
        )
    publish_text(_consent_file(), f"Coqui Public Model License, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n")


def _notice(full_text: str) -> str:
    summary = _(
        "XTTS-v2 is under the Coqui Public Model License (CPML): the model, its fine-tuned descendants and the audio "
        "they make are for non-commercial use only. You are asked once; your answer is kept in {file}."
    ).format(file=_consent_file())
    return f"{full_text.strip()}\n\n{summary}"


def _consent_file() -> Path:
    settings = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(settings) / "escuta" / "cpml-accepted.txt"

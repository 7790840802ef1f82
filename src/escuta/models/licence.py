"""The licences of released models: each shown once, agreed to once, remembered.

Both allow non-commercial use only, of the model and of those that were trained from it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from escuta.errors import BaseError
from escuta.messages import _
from escuta.run.publish import publish_text


@dataclass(frozen=True, slots=True)
class Licence:
    """What a user agrees to before a model is downloaded."""

    model: str
    name: str
    short: str
    where: str
    """Where it can be read beforehand."""
    variable: str
    """Set to 1 in the environment, it agrees."""

    def accepted(self) -> bool:
        """Whether this user agreed, earlier or through the environment."""
        return os.environ.get(self.variable) == "1" or self.consent_file.is_file()

    @property
    def consent_file(self) -> Path:
        """Where the answer is kept."""
        settings = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(settings) / "escuta" / f"{self.short.lower()}-accepted.txt"


CPML = Licence("XTTS-v2", "Coqui Public Model License", "CPML", "LICENSE.txt of coqui/XTTS-v2", "ESCUTA_ACCEPT_CPML")
CC_BY_NC = Licence(
    "F5-TTS",
    "Creative Commons Attribution-NonCommercial 4.0",
    "CC-BY-NC",
    "README.md of SWivid/F5-TTS",
    "ESCUTA_ACCEPT_CC_BY_NC",
)


def require(licence: Licence, *, accept: bool, ask: Callable[[str], bool] | None, full_text: Callable[[], str]) -> None:
    """Let only those pass who agree to a licence, and remember that they did.

    Args:
        licence: Of the model wanted.
        accept: They already said so, by `--accept-licence`.
        ask: Shows a notice to a person and returns their answer; None when nobody is there to answer.
        full_text: Fetches the licence itself, to be shown before the question.

    Raises:
        BaseError: They did not agree, or nobody was there to ask.
    """
    if licence.accepted():
        return
    if not accept and ask is None:
        raise BaseError(
            _(
                "{model}: its licence ({short}, non-commercial use only) was not agreed to yet; expected your consent. "
                "Read {where}, then give --accept-licence or set {variable}=1."
            ).format(model=licence.model, short=licence.short, where=licence.where, variable=licence.variable)
        )
    if not accept and ask is not None and not ask(_notice(licence, full_text())):
        raise BaseError(
            _(
                "{model}: you did not agree to its licence, so nothing was downloaded. Give --base another model."
            ).format(model=licence.model)
        )
    publish_text(licence.consent_file, f"{licence.name}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n")


def _notice(licence: Licence, full_text: str) -> str:
    summary = _(
        "{model} is under the {name} ({short}): the model, its fine-tuned descendants and the audio "
        "they make are for non-commercial use only. You are asked once; your answer is kept in {file}."
    ).format(model=licence.model, name=licence.name, short=licence.short, file=licence.consent_file)
    return f"{full_text.strip()}\n\n{summary}".strip()

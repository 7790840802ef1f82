"""Which base model a run starts from, and where its files are."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from escuta.errors import BaseError
from escuta.messages import _
from escuta.models.f5.files import find_files as find_f5_files
from escuta.models.f5.release import released as released_f5
from escuta.models.families import family_of
from escuta.models.hub import Release, fetch, on_disk
from escuta.models.licence import CC_BY_NC, CPML, require
from escuta.models.xtts.files import find_files

_SHA256 = {  # from its file pages on the hub, as several projects have recorded them
    "config.json": "ef262b1454dd2a77e1461b0b2cd53e19b8a7624cc131b837d36df67356bc75e8",
    "vocab.json": "928260878a59da8a72a2a5b7687fea29d5106137669d90945430fe17e415304a",
    "mel_stats.pth": "1f69422a8a8f344c4fca2f0c6b8d41d2151d6615b7321e48e6bb15ae949b119c",
    "dvae.pth": "b29bc227d410d4991e0a8c09b858f77415013eeb9fba9650258e96095557d97a",
    "model.pth": "c7ea20001c6a0a841c77e252d8409f6a74fb423e79b3206a0771ba5989776187",
}
XTTS_V2 = Release("coqui/XTTS-v2", "6c2b0d75eae4b7047358e3b6bd9325f857d43f77", tuple(_SHA256), _SHA256)
"""XTTS-v2 as Coqui released it (v2.0.3), 2.1 GB."""

MIRROR_VARIABLE = "ESCUTA_XTTS_REPO"

NANO = Path(__file__).with_name("nano")
"""The small XTTS that comes with escuta; its CARD.md tells what it is."""


@dataclass(frozen=True, slots=True)
class Base:
    """A model to start from, its files on disk."""

    folder: Path
    kind: Literal["folder", "xtts-v2", "f5-tts", "nano", "random"]
    title: str
    """What to call it, in logs and on the page."""
    warning: str | None = None
    """What the user must be told about the choice, loudly."""

    def voice(self, language: str) -> Path | None:
        """A recording that comes with the model, of one who speaks `language`; None where there is none."""
        recording = self.folder / "voices" / f"{language.lower().partition('-')[0]}.flac"
        return recording if recording.is_file() else None


def find_base(name: str, *, accept_licence: bool = False, ask: Callable[[str], bool] | None = None) -> Base:
    """Find the base model called `name`, downloading or making it where need be.

    Args:
        name: A folder, or `xtts-v2`, or `nano` (small, comes with escuta; random, with a warning, in a copy without its
            weights), or `random` (makes noise, for trying things out), or `auto`: XTTS-v2 where its licence was agreed
            to and its files are on disk or can be had, else nano, with a warning. The other family has `f5-tts`, and
            `random-f5`.
        accept_licence: The user agrees to the licence of the model.
        ask: Shows a notice to the user and returns whether they agree; None when nobody is there. `auto` asks nobody.

    Raises:
        BaseError: There is no such base, it cannot be fetched, or its licence was not agreed to.
        WeightsError: A folder lacks files of a model.
    """
    try:
        match name:
            case "auto":
                return _auto(accept_licence)
            case "xtts-v2":
                return _xtts_v2(accept_licence, ask)
            case "f5-tts":
                require(CC_BY_NC, accept=accept_licence, ask=ask, full_text=str)
                return Base(released_f5(cache()), "f5-tts", "F5-TTS v1 Base")
            case "random-f5":
                return _random_f5()
            case "nano":
                return _nano()
            case "random":
                return _random()
            case _:
                return _folder(Path(name).expanduser())
    except OSError as error:
        raise BaseError(
            _(
                "{path}: cannot be used ({cause}); expected a place for what escuta keeps. Set XDG_CACHE_HOME and "
                "XDG_CONFIG_HOME to folders of yours."
            ).format(path=error.filename, cause=error.strerror)
        ) from error


def _folder(folder: Path) -> Base:
    if not folder.is_dir():
        raise BaseError(
            _(
                "--base {name}: no such folder; expected a folder with a model, or xtts-v2, f5-tts, nano, random or "
                "auto."
            ).format(name=folder)
        )
    if family_of(folder) == "f5":
        find_f5_files(folder)
    else:
        find_files(folder)
    return Base(folder, "folder", folder.resolve().name)


def _xtts_v2(accept_licence: bool, ask: Callable[[str], bool] | None) -> Base:
    release = _release()
    licence = Release(release.repo, release.revision, ("LICENSE.txt",))

    def licence_text() -> str:
        folder = on_disk(licence) or fetch(licence)
        return (folder / "LICENSE.txt").read_text(encoding="utf-8", errors="replace")

    require(CPML, accept=accept_licence, ask=ask, full_text=licence_text)
    return Base(on_disk(release) or fetch(release), "xtts-v2", "XTTS-v2")


def _auto(accept_licence: bool) -> Base:
    if not accept_licence and not CPML.accepted():
        return _nano(
            _("its licence (CPML, non-commercial) was not agreed to yet; --base xtts-v2 shows it and asks, once.")
        )
    try:
        return _xtts_v2(accept_licence, ask=None)
    except BaseError as error:
        return _nano(str(error))


def _nano(why_not_xtts: str | None = None) -> Base:
    """Take the bundled base; `why_not_xtts` says why XTTS-v2 is not taken, where that was to be."""
    not_xtts = [_("XTTS-v2 is not used: {why}").format(why=why_not_xtts)] if why_not_xtts else []
    if not (NANO / "model.safetensors").is_file():
        return _random(_("nano is not used: its weights are not in this copy of escuta."), *not_xtts)
    about = _("The base model is nano, small and made of synthetic speech; it speaks English and Portuguese.")
    return Base(NANO, "nano", "nano", " ".join([about, *not_xtts]) if not_xtts else None)


def _random(*whys: str) -> Base:
    """Make the random base in the user's cache."""
    from escuta.models.xtts.newborn import make_newborn

    folder = cache() / "random"
    make_newborn(folder, seed=0)
    return Base(folder, "random", _("random weights"), " ".join([_noise(), *whys]))


def _random_f5() -> Base:
    """Make the random base of the other family in the user's cache."""
    from escuta.models.f5.newborn import make_newborn

    folder = cache() / "random-f5"
    make_newborn(folder, seed=0)
    return Base(folder, "random", _("random weights"), _noise())


def _noise() -> str:
    return _("The base model is random and knows no language: what it says is noise.")


def cache() -> Path:
    """Where escuta keeps what it makes or links for this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "escuta"


def _release() -> Release:
    """XTTS-v2, or the same files in the repository that `ESCUTA_XTTS_REPO` names, whose own hashes are trusted."""
    mirror = os.environ.get(MIRROR_VARIABLE)
    return Release(mirror, "main", XTTS_V2.files) if mirror else XTTS_V2

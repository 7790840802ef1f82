"""The files of a base model: whether they are there, and whether they are the released ones."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from escuta.doctor.finding import Finding
from escuta.errors import EscutaError
from escuta.messages import _
from escuta.models.bases import XTTS_V2, cache, find_base
from escuta.models.f5.files import VOCOS
from escuta.models.f5.files import find_files as find_f5_files
from escuta.models.f5.release import F5_TTS, released
from escuta.models.families import family_of
from escuta.models.hub import on_disk
from escuta.models.xtts.files import find_files

TITLES = {"xtts-v2": "XTTS-v2", "f5-tts": "F5-TTS"}
SHA256 = {Path(name).name: sha256 for one in (XTTS_V2, F5_TTS, VOCOS) for name, sha256 in one.sha256.items()}
"""Of the files of releases."""


@dataclass(frozen=True, slots=True)
class BaseFile:
    """One file of a model."""

    name: str
    num_bytes: int
    sha256: str
    released: bool | None
    """Whether it is that of a release; None for a name that no release has."""


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A base model, as far as it was found."""

    name: str
    folder: Path | None = None
    """None where it cannot be used, or would have to be downloaded first."""
    files: tuple[BaseFile, ...] = ()
    problems: tuple[str, ...] = ()


def look(name: str) -> BaseModel:
    """Look at the base model called `name`; nothing is downloaded, nobody is asked."""
    try:
        if name in ("xtts-v2", "auto") and (folder := on_disk(XTTS_V2)):
            return BaseModel(name, folder, _files(folder))
        if name == "f5-tts" and on_disk(F5_TTS) and on_disk(VOCOS):
            folder = released(cache())
            return BaseModel(name, folder, _files(folder))
        if name in TITLES:
            return BaseModel(name)
        folder = find_base("nano" if name == "auto" else name).folder
        return BaseModel(name, folder, _files(folder))
    except EscutaError as error:
        return BaseModel(name, problems=error.problems)


def judge(base: BaseModel | None) -> list[Finding]:
    """What there is to say of it; None asks about XTTS-v2."""
    if base is None and on_disk(XTTS_V2):
        return [Finding("fine", _("XTTS-v2 is on this disk; --base xtts-v2 examines it."))]
    if base is None or (base.folder is None and not base.problems):
        name = base.name if base else "xtts-v2"
        text = _("{title} is not on this disk; a training with --base {name} downloads it.")
        return [Finding("note", text.format(title=TITLES[name], name=name))]
    if base.problems:
        return [Finding("broken", problem) for problem in base.problems]
    size_gb = sum(file.num_bytes for file in base.files) / 1e9
    text = _("Base model {name}: {count} files, {size_gb:.2f} GB.").format(
        name=base.name, count=len(base.files), size_gb=size_gb
    )
    found = [Finding("fine", text)]
    if released := [file.name for file in base.files if file.released]:
        found.append(Finding("fine", _("As released: {names}.").format(names=", ".join(released))))
    if others := [file.name for file in base.files if file.released is False]:
        text = _("Not as released: {names}. So it is with a model that was trained on, or of other sizes.")
        found.append(Finding("note", text.format(names=", ".join(others))))
    return found


def _files(folder: Path) -> tuple[BaseFile, ...]:
    if family_of(folder) == "f5":
        of_f5 = find_f5_files(folder)
        known = (of_f5.model, of_f5.vocab, of_f5.architecture, of_f5.vocos_config, of_f5.vocos_weights)
    else:
        files = find_files(folder)
        known = (files.model, files.config, files.vocab, files.dvae, files.mel_stats)
    return tuple(_file(path) for path in known if path)


def _file(path: Path) -> BaseFile:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    expected = SHA256.get(path.name)
    return BaseFile(path.name, path.stat().st_size, sha256, None if expected is None else sha256 == expected)

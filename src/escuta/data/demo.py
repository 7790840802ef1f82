"""The bundled voices that the demo learns.

- `allison`: 60 clips of Allison Smith (Asterisk core sounds), CC-BY-SA-3.0; see demo_voice/ATTRIBUTION.md.
- `dora`: 60 clips of Kokoro-82M's `pf_dora`, synthetic, Apache-2.0; see dora_voice/ORIGIN.md.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

DEMO_VOICE = Path(str(files(__package__) / "demo_voice"))
"""A dataset folder: `metadata.csv` (`id|text`, English) and `wavs/` (FLAC, 16 kHz, mono). Read only."""
DORA_VOICE = DEMO_VOICE.with_name("dora_voice")
"""The same in Portuguese; FLAC, 24 kHz, mono."""


@dataclass(frozen=True, slots=True)
class DemoVoice:
    """A voice to learn."""

    folder: Path
    """A dataset."""
    language: str
    is_human: bool


DEMO_VOICES = {"allison": DemoVoice(DEMO_VOICE, "en", True), "dora": DemoVoice(DORA_VOICE, "pt", False)}
"""By the name that `escuta demo --voice` takes."""

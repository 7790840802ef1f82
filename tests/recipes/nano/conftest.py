"""Speech of a few seconds, all of it made on the spot, for the stages that train."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from recipes.nano.sizes import nano_config
from recipes.nano.work import write_rows

from escuta.models.xtts.config import DecoderConfig, DvaeConfig, SpeakerEncoderConfig, XttsConfig

RATE = 24000
TEXTS = {"en": "The cat sat on a mat.", "pt": "O gato dorme no sofá."}
VOICES = {"train": ("af_sky", "pm_santa"), "held_out": ("af_heart", "pm_alex"), "validation": ("af_sky", "pm_santa")}


@pytest.fixture
def tiny() -> XttsConfig:
    """Nano, smaller."""
    nano = nano_config()
    return replace(
        nano,
        gpt=replace(nano.gpt, layers=1, width=32, heads=2),
        conditioning=replace(nano.conditioning, blocks=1, num_latents=2, perceiver_heads=2, perceiver_head_width=8),
        dvae=DvaeConfig(num_codes=nano.dvae.num_codes, code_width=8, width=8, resblocks=1),
        decoder=DecoderConfig(input_width=32, channels=16, resblock_kernel_sizes=(3,), resblock_dilations=(1,)),
        speaker_encoder=SpeakerEncoderConfig(
            filters=(8, 8, 8, 8), blocks=(1, 1, 1, 1), attention_width=8, embedding_width=8
        ),
    )


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work folder with three clips of each voice, as far as the data stages take it."""
    folder = tmp_path / "work"
    (folder / "audio").mkdir(parents=True)
    rows = []
    for split, voices in VOICES.items():
        for language, voice in zip(("en", "pt"), voices, strict=True):
            for number in range(3):
                id_ = f"{split}-{language}-{number}-{voice}"
                rows.append({"id": id_, "split": split, "language": language, "voice": voice, "text": TEXTS[language]})
                sf.write(folder / "audio" / f"{id_}.flac", syllables(100 + 40 * len(rows)), RATE)
    write_rows(folder / "plan.jsonl", rows)
    write_rows(folder / "spoken.jsonl", [{"id": row["id"], "seconds": 1.2} for row in rows])
    return folder


def syllables(hertz: float) -> np.ndarray:
    """A hummed 1.2 s with pauses in it."""
    time_T = np.arange(int(1.2 * RATE)) / RATE
    hum_T = sum(np.sin(2 * np.pi * hertz * part * time_T) / part for part in (1, 2, 3))
    return (0.2 * hum_T * (np.sin(2 * np.pi * 4 * time_T) > -0.5)).astype(np.float32)

"""The model that the benchmarks speak with, and what it says: rebuilt from names, it never ends a sentence by itself.

So the limit of codes decides how long a sentence gets, in escuta and in coqui-tts alike.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import soundfile
import torch

from bench.export_parity import recording
from bench.seeded import seeded_tensor
from escuta.engine.linear import Precision
from escuta.models.base import Features
from escuta.models.families import Family
from escuta.models.load import load_model
from escuta.models.precision import precision_for
from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.model import PARTS, Xtts, load_xtts
from escuta.models.xtts.weights import PREFIXES, Weights, load_weights, save_base, shapes_of
from escuta.text.vocabulary import character_vocabulary

CODES = 150
"""Of a sentence of 7 s."""

SENTENCES = (
    "The old clock on the wall says ten past nine, and nobody has wound it since the spring.",
    "She opened the window to let the morning in.",
    "Three boats lay in the harbour, their ropes stiff with salt, waiting for the wind to turn.",
    "We walked as far as the bridge and then came back along the river.",
    "Nobody knew who had left the lamp burning in the empty house.",
    "The train was late again, so they shared the last of the bread and watched the rain.",
    "His letters came every week, short and full of small news.",
    "In the evening the hills turn blue, and one by one the lights come on in the valley.",
)
LANGUAGE = "en"
MEL_HOP = 256
"""Points of a clip in one frame of its conditioning mel."""


@dataclass(frozen=True, slots=True)
class Models:
    """One model in the ways that it is needed, in one folder."""

    folder: Path
    codes: int = CODES
    """The limit of `limited`."""

    @property
    def base(self) -> Path:
        """The model."""
        return self.folder / "base"

    @property
    def limited(self) -> Path:
        """The model with a limit of `codes`, for processes that cannot be told one."""
        return self.folder / f"base-{self.codes}"

    @property
    def exported(self) -> Path:
        """The model as coqui-tts loads it."""
        return self.folder / "exported"

    @property
    def voice(self) -> Path:
        """A recording to clone the voice of."""
        return self.folder / "voice.wav"

    def build(self, config: XttsConfig) -> None:
        """Make all that is not there yet: at release size 8 GB."""
        self.folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(self.voice, recording(), 22_050)
        if not (self.base / "model.safetensors").exists():
            _save_seeded(self.base, config)
        if not (self.limited / "model.safetensors").exists():
            weights = limited(load_weights(self.base), self.codes)
            vocab_json = weights.files.vocab.read_text(encoding="utf-8")
            save_base(self.limited, weights.config, weights.tensors, vocab_json)
        if not (self.exported / "model.pth").exists():
            load_xtts(self.base, uses=["speaking"], device="cpu").export(self.exported)


def limited(weights: Weights, codes: int) -> Weights:
    """The same model with a limit of `codes` a sentence: all that changes is how many positions it has."""
    gpt = weights.config.gpt
    gpt = replace(gpt, max_audio_tokens=gpt.max_audio_tokens - gpt.max_new_tokens + codes)
    positions = f"{PREFIXES['gpt']}mel_pos_embedding.emb.weight"
    tensors = {**weights.tensors, positions: weights.tensors[positions][: gpt.num_audio_positions].clone()}
    return replace(weights, config=replace(weights.config, gpt=gpt), tensors=tensors)


def speaker(base: Path, codes: int, device: str = "cpu") -> Xtts:
    """A model that speaks `codes` a sentence, not packed yet."""
    return Xtts(limited(load_weights(base, PARTS["speaking"]), codes), ["speaking"], device)


def usual_precision(device: str = "cpu", family: Family = "xtts") -> Precision:
    """What escuta speaks with on a device unless told otherwise."""
    return precision_for("auto", torch.device(device).type, family)


def trained_tensors(base: Path, device: str = "cpu") -> dict[str, torch.Tensor]:
    """What a training changes, in memory of its own as a training has it."""
    tensors = load_model(base, uses=["training"]).trained_tensors()
    return {name: tensor.to(device, copy=True) for name, tensor in tensors.items()}


def sentences(count: int) -> list[str]:
    """So many of them, from the first on again after the last."""
    return [SENTENCES[number % len(SENTENCES)] for number in range(count)]


def made_up_clip(config: XttsConfig, seconds: float, seed: int = 0, *, sound: bool = False) -> Features:
    """Features of a clip that nobody recorded; to learn from it takes as long as from any other."""
    draw = torch.Generator().manual_seed(seed)
    num_points = int(seconds * config.sample_rate)
    clip = {
        "text": torch.randint(1, config.gpt.num_text_tokens, [int(12 * seconds)], generator=draw),
        "codes": torch.randint(config.dvae.num_codes, [num_points // config.gpt.code_stride], generator=draw),
        "mel": torch.randn(config.num_mel_bins, num_points // MEL_HOP, generator=draw),
    }
    if sound:
        num_points = int(seconds * config.output_sample_rate)
        clip["sound"] = torch.randint(-9999, 9999, [num_points], generator=draw, dtype=torch.int16)
        clip["speaker"] = torch.randn(config.speaker_encoder.embedding_width, generator=draw)
    return clip


def _save_seeded(folder: Path, config: XttsConfig) -> None:
    vocab_json = character_vocabulary()
    num_text_tokens = max(json.loads(vocab_json)["model"]["vocab"].values()) + 1
    config = replace(config, gpt=replace(config.gpt, num_text_tokens=num_text_tokens))
    shapes = shapes_of(config, tuple(PREFIXES))
    tensors = {name: seeded_tensor(name, shape, 0) for name, shape in shapes.items()}
    tensors["gpt.mel_head.bias"][config.gpt.stop_audio_token] = -1000  # never chosen, by either
    save_base(folder, config, tensors, vocab_json)

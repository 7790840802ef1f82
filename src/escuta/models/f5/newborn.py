"""A small F5-TTS that has learned nothing: made on the spot, to try everything out with.

It speaks noise. All parts are there and everything works as with the released model, in seconds on a plain CPU.
"""

import json
import string
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from escuta.models.f5.config import NUM_MEL_BINS, DitConfig, F5Config, VocosConfig
from escuta.models.f5.dit import Dit
from escuta.models.f5.export import write_model
from escuta.models.f5.vocos import Vocos
from escuta.models.f5.weights import PREFIXES
from escuta.run.publish import publish_text, publish_torch

CHARACTERS = " " + string.ascii_letters + string.digits + "!\"'(),-.:?ÁÂÃÀÉÊÍÓÚÇáâãàéêíóôõúç"
"""As in the release's vocabulary, Portuguese capitals Ô and Õ are missing."""


def make_newborn(folder: Path, seed: int) -> None:
    """Make a base model in `folder`; the same seed makes the same one. It is made anew where there is one.

    Raises:
        OSError: The folder cannot be written.
    """
    save_newborn(folder, newborn_config(len(CHARACTERS)), CHARACTERS, seed)


def save_newborn(folder: Path, config: F5Config, vocabulary: Sequence[str], seed: int) -> None:
    """Make a base model of other sizes.

    Raises:
        OSError: The folder cannot be written.
    """
    tensors = newborn_tensors(config, seed)
    publish_text(folder / "vocab.txt", "".join(f"{one}\n" for one in vocabulary))
    prefix = PREFIXES["vocos"]
    vocos = {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
    publish_text(folder / "vocos" / "config.yaml", json.dumps(_vocos_yaml(config.vocos), indent=2) + "\n")
    publish_torch(folder / "vocos" / "pytorch_model.bin", vocos)
    write_model(folder, config.dit, {name: one for name, one in tensors.items() if not name.startswith(prefix)})


def newborn_config(num_text_tokens: int) -> F5Config:
    """Describe the smallest model that still has every part of the released one."""
    return F5Config(
        DitConfig(width=128, layers=3, heads=2, text_width=64, text_layers=2, num_text_tokens=num_text_tokens),
        VocosConfig(width=64, widened=128, layers=2),
    )


def newborn_tensors(config: F5Config, seed: int) -> dict[str, Tensor]:
    """Draw all tensors of a model; the same seed draws the same ones. The random state of the process is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        modules: dict[str, nn.Module] = {PREFIXES["dit"]: Dit(config.dit), PREFIXES["vocos"]: Vocos(config.vocos)}
    return {
        f"{prefix}{name}": tensor for prefix, module in modules.items() for name, tensor in module.state_dict().items()
    }


def _vocos_yaml(config: VocosConfig) -> dict[str, object]:
    """The configuration as vocos has it."""
    backbone = {
        "input_channels": NUM_MEL_BINS,
        "dim": config.width,
        "intermediate_dim": config.widened,
        "num_layers": config.layers,
    }
    padding = "center" if config.centred else "same"
    mel = {"sample_rate": 24000, "n_fft": config.num_fft, "hop_length": config.hop, "n_mels": NUM_MEL_BINS}
    head = {"dim": config.width, "n_fft": config.num_fft, "hop_length": config.hop, "padding": padding}
    return {
        "feature_extractor": {
            "class_path": "vocos.feature_extractors.MelSpectrogramFeatures",
            "init_args": {**mel, "padding": padding},
        },
        "backbone": {"class_path": "vocos.models.VocosBackbone", "init_args": backbone},
        "head": {"class_path": "vocos.heads.ISTFTHead", "init_args": head},
    }

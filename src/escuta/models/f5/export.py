"""A fine-tuned F5-TTS as f5-tts loads it, and as `load_weights` does."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from escuta.audio.mel import VOCOS
from escuta.errors import RunError
from escuta.messages import _
from escuta.models.f5.config import HEAD_WIDTH, DitConfig, F5Config
from escuta.models.f5.dit import ROTARY_BASE
from escuta.models.f5.files import find_files
from escuta.models.f5.weights import save_tensors, shapes_of
from escuta.run.publish import publish_text, publishing

ARCHITECTURE = "architecture.yaml"
"""What f5-tts takes as `--model_cfg`."""
MODEL = "model_last.safetensors"


def export(folder: Path, config: F5Config, tensors: Mapping[str, Tensor], base: Path) -> None:
    """Write the model, vocab.txt, the architecture, and the vocoder where the base has one.

    The model comes last, so that a folder that has one is whole.

    Args:
        folder: New, or empty.
        config: Of the model.
        tensors: All of the network, under the release's names, on any device; written in float32.
        base: Folder of the base model.

    Raises:
        RunError: `folder` already holds something.
        ValueError: `tensors` are not those that `config` describes.
        OSError: The folder cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(
            _("{folder}: already there; expected a new or empty folder. Choose another.").format(folder=folder)
        )
    files = find_files(base)
    copies = {files.vocab: folder / "vocab.txt"}
    if files.vocos_config and files.vocos_weights:
        copies |= {path: folder / "vocos" / path.name for path in (files.vocos_config, files.vocos_weights)}
    for source, target in copies.items():
        with publishing(target) as partial:
            shutil.copyfile(source, partial)
    write_model(folder, config.dit, tensors)


def write_model(folder: Path, config: DitConfig, tensors: Mapping[str, Tensor]) -> None:
    """Write the architecture and then the network, named as a mean over training: that is what f5-tts looks for.

    Raises:
        ValueError: `tensors` are not those that `config` describes.
        OSError: The folder cannot be written.
    """
    expected = shapes_of(F5Config(config), ["dit"])
    if {name: tensor.shape for name, tensor in tensors.items()} != expected:
        raise ValueError("tensors are missing, too many, or of another shape")
    publish_text(folder / ARCHITECTURE, json.dumps(_architecture(config), indent=2) + "\n")  # JSON is YAML too
    named = {f"ema_model.{name}": tensor for name, tensor in tensors.items()}
    frequencies = ROTARY_BASE ** -(torch.arange(0, HEAD_WIDTH, 2).float() / HEAD_WIDTH)
    save_tensors(folder / MODEL, named | {"ema_model.transformer.rotary_embed.inv_freq": frequencies})


def _architecture(config: DitConfig) -> dict[str, Any]:
    """The configuration as f5-tts has it."""
    return {
        "model": {
            "name": "F5TTS",
            "tokenizer": "custom",
            "backbone": "DiT",
            "arch": {
                "dim": config.width,
                "depth": config.layers,
                "heads": config.heads,
                "ff_mult": config.widening,
                "text_dim": config.text_width,
                "text_mask_padding": config.masks_text_padding,
                "conv_layers": config.text_layers,
                "pe_attn_head": config.turned_heads,
            },
            "mel_spec": {
                "target_sample_rate": VOCOS.sample_rate,
                "n_mel_channels": VOCOS.num_bins,
                "hop_length": VOCOS.hop,
                "win_length": VOCOS.window,
                "n_fft": VOCOS.num_fft,
                "mel_spec_type": "vocos",
            },
        }
    }

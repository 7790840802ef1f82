"""A fine-tuned XTTS-v2 as coqui-tts loads it, in a folder with the release's file names."""

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from escuta.errors import RunError
from escuta.messages import _
from escuta.models.xtts.config import DecoderConfig, SpeakerEncoderConfig, XttsConfig
from escuta.models.xtts.speaker_encoder import computed_buffers
from escuta.models.xtts.weights import PREFIXES, check_complete
from escuta.run.publish import publish_text, publish_torch


def export(folder: Path, config: XttsConfig, tensors: Mapping[str, Tensor], vocab_file: Path) -> None:
    """Write model.pth, config.json, vocab.json and mel_stats.pth, and dvae.pth where `tensors` hold a DVAE.

    The model comes last, so that a folder that has one is whole.

    Args:
        folder: New, or empty.
        config: Of the model.
        tensors: Under the release's names, on any device, in any precision; written in float32.
        vocab_file: The base model's.

    Raises:
        RunError: `folder` already holds something.
        ValueError: `tensors` are not those that `config` describes.
        OSError: The folder cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(
            _("{folder}: already there; expected a new or empty folder. Choose another.").format(folder=folder)
        )
    check_complete(config, tensors, ("gpt", "decoder", "speaker_encoder", "mel_stats"))
    dvae = {name.removeprefix(PREFIXES["dvae"]): value for name, value in tensors.items() if _in_dvae(name)}
    model = {name: tensor for name, tensor in tensors.items() if not _in_dvae(name)}
    model |= {f"{PREFIXES['speaker_encoder']}{name}": tensor for name, tensor in computed_buffers().items()}
    publish_text(folder / "config.json", json.dumps(config.to_release(), indent=2) + "\n")
    publish_text(folder / "vocab.json", vocab_file.read_text(encoding="utf-8"))
    publish_torch(folder / "mel_stats.pth", tensors["mel_stats"].float().cpu())
    if dvae:
        publish_torch(folder / "dvae.pth", _plain(dvae))
    publish_torch(folder / "model.pth", {"model": _plain(model)})


def fits_coqui(config: XttsConfig) -> bool:
    """Whether coqui-tts can load a model of these sizes: it knows one size alone of what config.json cannot say."""
    released = XttsConfig()
    return (
        config.conditioning == released.conditioning
        and config.decoder == DecoderConfig(input_width=config.gpt.width)
        and config.speaker_encoder == SpeakerEncoderConfig()
        and config.num_mel_bins == released.num_mel_bins
    )


def _in_dvae(name: str) -> bool:
    return name.startswith(PREFIXES["dvae"])


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors in float32, each with a storage of its own size: torch.save would write all of a larger one."""
    plain = {}
    for name, tensor in tensors.items():
        value = tensor.detach().cpu()
        value = (value.float() if value.is_floating_point() else value).contiguous()
        is_view = value.untyped_storage().nbytes() != value.nbytes
        plain[name] = value.clone() if is_view else value
    return plain

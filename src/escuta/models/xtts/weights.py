"""The weights of an XTTS-v2, in and out.

One flat table of tensors under the release's names is what everything here takes and gives:

    gpt.*                                 all that is trained
    hifigan_decoder.waveform_decoder.*    latents to sound
    hifigan_decoder.speaker_encoder.*     a voice as one vector
    dvae.*                                audio to codes (the release keeps it in dvae.pth, without the prefix)
    mel_stats                             one divisor a mel bin

Files are opened for reading alone, their tensors mapped from disk.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from safetensors.torch import save
from torch import Tensor, nn

from escuta.errors import WeightsError
from escuta.messages import _
from escuta.models.blank import blank
from escuta.models.families import title_of
from escuta.models.weights_file import file_sha256, read_weights_file, tensors_in
from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.dvae import Dvae
from escuta.models.xtts.files import Files, find_files, read_json
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.speaker_encoder import SpeakerEncoder
from escuta.run.publish import publish_text, publishing

Part: TypeAlias = Literal["gpt", "decoder", "speaker_encoder", "dvae", "mel_stats"]

PREFIXES: dict[Part, str] = {
    "gpt": "gpt.",
    "decoder": "hifigan_decoder.waveform_decoder.",
    "speaker_encoder": "hifigan_decoder.speaker_encoder.",
    "dvae": "dvae.",
    "mel_stats": "mel_stats",
}

_DROPPED = re.compile(
    r"gpt\.gpt_inference\.|gpt\.gpt\.wte\."  # a model saved while it was set up to speak: copies of other tensors
    r"|hifigan_decoder\.speaker_encoder\.torch_spec\."  # computed
    r"|dvae\.(decoder\.|discrete_loss\.|codebook\.(cluster_size|embed_avg))"  # only to train the DVAE itself
)
_OLD_WEIGHT_NORM = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
"""How PyTorch named the two halves of a normalised weight before 2.0, and since."""


@dataclass(frozen=True, slots=True)
class Weights:
    """An XTTS-v2 read from disk."""

    config: XttsConfig
    tensors: Mapping[str, Tensor]
    """Under the release's names, floats in float32; mapped from disk where the file has them so."""
    files: Files

    def part(self, part: Part) -> dict[str, Tensor]:
        """The tensors of one part, under the names that its module has for them."""
        prefix = PREFIXES[part]
        return {name.removeprefix(prefix): self.tensors[name] for name in self.tensors if name.startswith(prefix)}


def load_weights(folder: Path, parts: Collection[Part] = tuple(PREFIXES)) -> Weights:
    """Read the config and the tensors of some parts of a model.

    The number of text tokens is the weights' own, and the start and stop tokens the vocabulary's, whatever config.json
    says: coqui-tts does the same, and people who add a language leave config.json as it was.

    Raises:
        WeightsError: Files are missing or damaged, or tensors are not those that config.json describes; all are named.
        ModelError: config.json describes no XTTS-v2.
    """
    files = find_files(folder)
    tensors = _read_tensors(files, parts)
    config = XttsConfig.from_release(read_json(files.config))
    config = replace(config, gpt=replace(config.gpt, **_text_tokens(files, tensors)))
    expected = shapes_of(config, parts)
    if problems := _differences(expected, tensors, files):
        raise WeightsError(*problems)
    return Weights(config=config, tensors={name: _in_float32(tensors[name]) for name in expected}, files=files)


def fingerprint(folder: Path) -> str:
    """The sha256 of the model file, as `sha256sum` prints it; a file that has not changed is read once a process."""
    return file_sha256(find_files(folder).model)


def features_fingerprint(folder: Path) -> str:
    """Tell apart models that give other features of the same clip: a hash over all files, whatever holds what."""
    files = find_files(folder)
    total = hashlib.sha256()
    for path in (files.model, files.config, files.vocab, files.dvae, files.mel_stats):
        total.update(file_sha256(path).encode() if path else b"none")
    return total.hexdigest()


def save_base(folder: Path, config: XttsConfig, tensors: Mapping[str, Tensor], vocab_json: str) -> None:
    """Write a model that `load_weights` reads: all tensors in one file, config and vocabulary beside it.

    The model comes last, so that a folder that has one is whole.

    Raises:
        ValueError: `tensors` are not those that `config` describes.
        OSError: The folder cannot be written.
    """
    check_complete(config, tensors, tuple(PREFIXES))
    publish_text(folder / "config.json", json.dumps(config.to_release(), indent=2) + "\n")
    publish_text(folder / "vocab.json", vocab_json)
    with publishing(folder / "model.safetensors") as partial:
        partial.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}))


def check_complete(config: XttsConfig, tensors: Mapping[str, Tensor], parts: Collection[Part]) -> None:
    """Make sure, before anything is written, that `tensors` hold `parts` of the model that `config` describes.

    Raises:
        ValueError: They do not.
    """
    found = {name: tensor.shape for name, tensor in tensors.items()}
    wrong = sorted(name for name, shape in shapes_of(config, parts).items() if found.get(name) != shape)
    if wrong:
        raise ValueError(f"{len(wrong)} tensors are missing, or of another shape: {', '.join(wrong[:5])}")


def _read_tensors(files: Files, parts: Collection[Part]) -> dict[str, Tensor]:
    found = {_release_name(name): tensor for name, tensor in _tensors(files.model).items()}
    if (title := title_of(found)) not in (None, "XTTS-v2"):
        raise WeightsError(
            _("{model}: the model is {title}; expected an XTTS-v2. Choose its own folder.").format(
                model=files.model, title=title
            )
        )
    if "dvae" in parts and not any(name.startswith("dvae.") for name in found):
        if not files.dvae:
            raise WeightsError(
                _("{folder}: has no dvae.pth, which training needs; expected the one of the base model. Copy it there.")
                .format(folder=files.model.parent)
            )  # fmt: skip
        found |= {f"dvae.{name}": tensor for name, tensor in _tensors(files.dvae).items()}
    if files.mel_stats and "mel_stats" not in found:
        found["mel_stats"] = _mel_stats(files.mel_stats)
    wanted = tuple(PREFIXES[part] for part in parts)
    return {name: tensor for name, tensor in found.items() if name.startswith(wanted) and not _DROPPED.match(name)}


def _tensors(path: Path) -> dict[str, Tensor]:
    return tensors_in(path, read_weights_file(path))


def _in_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _mel_stats(path: Path) -> Tensor:
    stats = read_weights_file(path)
    if not isinstance(stats, Tensor):
        raise WeightsError(_("{path}: holds no tensor; expected one number a mel bin.").format(path=path))
    return stats


def _release_name(name: str) -> str:
    name = name.removeprefix("xtts.")  # coqui's trainer keeps the model in a module of that name
    stem, _dot, leaf = name.rpartition(".")
    return f"{stem}.{_OLD_WEIGHT_NORM[leaf]}" if leaf in _OLD_WEIGHT_NORM else name


def _text_tokens(files: Files, tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """What the vocabulary and the text embedding say of the text tokens."""
    vocabulary = read_json(files.vocab)
    try:
        ids = dict(vocabulary["model"]["vocab"])
        ids |= {token["content"]: token["id"] for token in vocabulary.get("added_tokens") or ()}
        found = {"start_text_token": int(ids["[START]"]), "stop_text_token": int(ids["[STOP]"])}
        num_ids = max(ids.values()) + 1
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            _("{path}: no vocabulary of an XTTS-v2; expected tokens with [START] and [STOP].").format(path=files.vocab)
        ) from error
    embedding = tensors.get("gpt.text_embedding.weight")
    if embedding is None:
        return found
    if num_ids > len(embedding):
        raise WeightsError(
            _(
                "{vocab}: has {num_ids} tokens; {model} knows {num_rows}. Use the vocab.json made with the model."
            ).format(vocab=files.vocab, num_ids=num_ids, model=files.model.name, num_rows=len(embedding))
        )
    return found | {"num_text_tokens": len(embedding)}


@cache
def _part_shapes(config: XttsConfig, part: Part) -> dict[str, torch.Size]:
    if part == "mel_stats":
        return {"mel_stats": torch.Size([config.num_mel_bins])}
    module: type[nn.Module] = {"gpt": Gpt, "decoder": WaveformDecoder, "speaker_encoder": SpeakerEncoder, "dvae": Dvae}[
        part
    ]
    with blank():
        return {f"{PREFIXES[part]}{name}": tensor.shape for name, tensor in module(config).state_dict().items()}


def shapes_of(config: XttsConfig, parts: Collection[Part]) -> dict[str, torch.Size]:
    """Name and shape of every tensor of `parts`."""
    return {name: shape for part in parts for name, shape in _part_shapes(config, part).items()}


def _differences(expected: Mapping[str, torch.Size], tensors: Mapping[str, Tensor], files: Files) -> list[str]:
    """What is missing, of another shape or too much, as lines; tensors that differ by their layer alone share one."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for name in [*expected, *(tensors.keys() - expected.keys())]:
        wanted = _size(expected[name]) if name in expected else _("none")
        found = _size(tensors[name].shape) if name in tensors else _("missing")
        if wanted != found:
            counts[re.sub(r"\.\d+(?=\.)", ".*", name), found, wanted] += 1
    return [
        _(
            "{model}: {name} ({count} x) is {found}; expected {wanted}, as {config} says. Use files of one model."
        ).format(model=files.model, name=name, count=count, found=found, wanted=wanted, config=files.config.name)
        for (name, found, wanted), count in counts.items()
    ]


def _size(shape: torch.Size) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"

"""The weights of an F5-TTS and of its vocoder, in and out.

One flat table of tensors under the release's names is what everything here takes and gives:

    transformer.*    all that is trained (a release puts `ema_model.` before it: a mean over training)
    vocos.*          mel spectrograms to sound (its own file has no such prefix)

Files are opened for reading alone, their tensors mapped from disk.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from safetensors.torch import save
from torch import Tensor, nn

from escuta.errors import WeightsError
from escuta.messages import _
from escuta.models.blank import blank
from escuta.models.f5.config import HEAD_WIDTH, NUM_MEL_BINS, DitConfig, F5Config, VocosConfig
from escuta.models.f5.dit import Dit
from escuta.models.f5.files import Files, find_files, read_yaml
from escuta.models.f5.vocabulary import read_vocabulary
from escuta.models.f5.vocos import Vocos
from escuta.models.families import title_of
from escuta.models.weights_file import file_sha256, read_weights_file, tensors_in
from escuta.run.publish import publishing

Part: TypeAlias = Literal["dit", "vocos"]

PREFIXES: dict[Part, str] = {"dit": "transformer.", "vocos": "vocos."}

_DROPPED = re.compile(r"(transformer\.rotary_embed\.|mel_spec\.|vocos\.feature_extractor\.|vocos\.head\.istft\.)")
"""Computed, not learned."""
_FIRST_BASE = re.compile(r"F5TTS_Base|model_1200000\b")
"""Names of the first release, whose files do not say what only its code knew."""


@dataclass(frozen=True, slots=True)
class Weights:
    """An F5-TTS read from disk."""

    config: F5Config
    tensors: Mapping[str, Tensor]
    """Under the release's names, in float32; mapped from disk where the file has them so."""
    files: Files

    def part(self, part: Part) -> dict[str, Tensor]:
        """The tensors of one part, under the names that its module has for them."""
        prefix = PREFIXES[part]
        return {name.removeprefix(prefix): self.tensors[name] for name in self.tensors if name.startswith(prefix)}


def load_weights(folder: Path, parts: Collection[Part] = tuple(PREFIXES)) -> Weights:
    """Read the sizes and the tensors of some parts of a model.

    Raises:
        WeightsError: Files are missing or damaged, of another kind of model, or do not fit together; all is named.
    """
    files = find_files(folder, speaking="vocos" in parts)
    tensors = _model_tensors(files.model)
    config = F5Config(_dit_config(files, tensors))
    if "vocos" in parts and files.vocos_config and files.vocos_weights:
        config = F5Config(config.dit, _vocos_config(files.vocos_config))
        tensors |= _vocos_tensors(files.vocos_weights)
    num_entries = len(read_vocabulary(files.vocab))
    problems = _differences(shapes_of(config, ["dit", *(part for part in parts if part == "vocos")]), tensors, files)
    if num_entries != config.dit.num_text_tokens:
        problems.append(
            _(
                "{vocab}: has {num_entries} entries; {model} knows {num_rows}. Use the vocab.txt made with the model."
            ).format(
                vocab=files.vocab,
                num_entries=num_entries,
                model=files.model.name,
                num_rows=config.dit.num_text_tokens,
            )
        )
    if problems:
        raise WeightsError(*problems)
    return Weights(config, {name: tensors[name].float() for name in shapes_of(config, parts)}, files)


def fingerprint(folder: Path) -> str:
    """The sha256 of the model file, as `sha256sum` prints it; a file that has not changed is read once a process."""
    return file_sha256(find_files(folder).model)


def features_fingerprint(folder: Path) -> str:
    """Tell apart models that give other features of the same clip: those of another vocabulary."""
    vocab = file_sha256(find_files(folder).vocab)
    return hashlib.sha256(f"f5 {vocab}".encode()).hexdigest()


def shapes_of(config: F5Config, parts: Collection[Part]) -> dict[str, torch.Size]:
    """Name and shape of every tensor of `parts`."""
    return {name: shape for part in parts for name, shape in _part_shapes(config, part).items()}


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file, in float32, whole or not at all.

    Raises:
        OSError: The folder cannot be written.
    """
    plain = {name: tensor.detach().to("cpu", torch.float32).contiguous() for name, tensor in tensors.items()}
    with publishing(path) as partial:
        partial.write_bytes(save(plain))


@cache
def _part_shapes(config: F5Config, part: Part) -> dict[str, torch.Size]:
    with blank():
        module: nn.Module = Dit(config.dit) if part == "dit" else Vocos(config.vocos)
    return {f"{PREFIXES[part]}{name}": tensor.shape for name, tensor in module.state_dict().items()}


def _model_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a model file: of the mean over training, where there is one, else as they were at its end."""
    content = read_weights_file(path)
    if isinstance(content, dict):
        states = (content.get(name) for name in ("ema_model_state_dict", "model_state_dict"))
        content = next((state for state in states if isinstance(state, dict)), content)
    named = {name.removeprefix("ema_model."): tensor for name, tensor in tensors_in(path, content).items()}
    refuse_foreign(named, path)
    own = PREFIXES["dit"]
    return {name: tensor for name, tensor in named.items() if name.startswith(own) and not _DROPPED.match(name)}


def refuse_foreign(named: Collection[str], path: Path) -> None:
    """Make sure that a file is of an F5-TTS of the kind that is known here.

    Raises:
        WeightsError: It is not; what it is instead is named where that is known.
    """
    title = title_of(named)
    kinds = {"transformer.audio_embed.": "MMDiT", "transformer.long_skip_connection.": "long_skip_connection"}
    parts = [kind for beginning, kind in kinds.items() if any(name.startswith(beginning) for name in named)]
    parts += ["qk_norm"] if any(".attn.q_norm." in name for name in named) else []
    if title == "F5-TTS" and not parts:
        return
    if title == "F5-TTS":
        what = _("an F5-TTS with {part}").format(part=", ".join(parts))
    else:
        what = title or _("none that escuta knows")
    raise WeightsError(
        _(
            "{path}: the model is {what}; expected F5TTS_v1_Base, F5TTS_Base, or one that was trained from these. "
            "Choose another file."
        ).format(path=path, what=what)
    )


def _dit_config(files: Files, tensors: Mapping[str, Tensor]) -> DitConfig:
    """Tell the sizes by the tensors, and what no tensor tells by the configuration, or else by name."""
    try:
        width = tensors["transformer.proj_out.weight"].shape[1]
        rows, text_width = tensors["transformer.text_embed.text_embed.weight"].shape
        config = DitConfig(
            width=width,
            layers=_count("transformer.transformer_blocks", tensors),
            heads=len(tensors["transformer.transformer_blocks.0.attn.to_q.weight"]) // HEAD_WIDTH,
            widening=len(tensors["transformer.transformer_blocks.0.ff.ff.0.0.weight"]) // width,
            text_width=text_width,
            text_layers=_count("transformer.text_embed.text_blocks", tensors),
            num_text_tokens=rows - 1,
            **_unwritten(files),
        )
    except (KeyError, IndexError, ValueError) as missing:
        raise WeightsError(
            _("{path}: tensor {name} is missing or of another kind; expected a whole F5-TTS. Fetch it again.").format(
                path=files.model, name=missing
            )
        ) from missing
    return config


def _unwritten(files: Files) -> dict[str, Any]:
    architecture = read_yaml(files.architecture)["model"].get("arch") if files.architecture else None
    if isinstance(architecture, dict):
        turned = architecture.get("pe_attn_head")
        return {
            "masks_text_padding": bool(architecture.get("text_mask_padding", True)),
            "turned_heads": turned if isinstance(turned, int) else None,
        }
    if _FIRST_BASE.search(files.model.as_posix()):
        return {"masks_text_padding": False, "turned_heads": 1}
    return {}


def _count(prefix: str, tensors: Mapping[str, Tensor]) -> int:
    numbers = {name.removeprefix(f"{prefix}.").partition(".")[0] for name in tensors if name.startswith(f"{prefix}.")}
    return len(numbers)


def _vocos_config(path: Path) -> VocosConfig:
    content = read_yaml(path)
    try:
        backbone, head = content["backbone"]["init_args"], content["head"]["init_args"]
        kinds = [content[part]["class_path"].rpartition(".")[2] for part in ("backbone", "head")]
        config = VocosConfig(
            width=int(backbone["dim"]),
            widened=int(backbone["intermediate_dim"]),
            layers=int(backbone["num_layers"]),
            num_fft=int(head["n_fft"]),
            hop=int(head["hop_length"]),
            centred=head.get("padding", "same") == "center",
        )
    except (KeyError, TypeError, ValueError, AttributeError) as missing:
        raise WeightsError(
            _("{path}: {name} is missing; expected config.yaml of vocos-mel-24khz. Copy it again.").format(
                path=path, name=missing
            )
        ) from missing
    bins, known = int(backbone.get("input_channels", NUM_MEL_BINS)), VocosConfig()
    fits = (bins, config.num_fft, config.hop) == (NUM_MEL_BINS, known.num_fft, known.hop)
    if kinds != ["VocosBackbone", "ISTFTHead"] or not fits:
        raise WeightsError(
            _(
                "{path}: a vocoder of {kinds} with {bins} mel bins and hops of {hop}; expected vocos-mel-24khz. "
                "Copy that one."
            ).format(path=path, kinds=", ".join(kinds), bins=bins, hop=config.hop)
        )
    return config


def _vocos_tensors(path: Path) -> dict[str, Tensor]:
    named = {f"{PREFIXES['vocos']}{name}": one for name, one in tensors_in(path, read_weights_file(path)).items()}
    return {name: tensor for name, tensor in named.items() if not _DROPPED.match(name)}


def _differences(expected: Mapping[str, torch.Size], tensors: Mapping[str, Tensor], files: Files) -> list[str]:
    """What is missing, of another shape or too much, as lines; tensors that differ by their layer alone share one."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for name in [*expected, *(tensors.keys() - expected.keys())]:
        wanted = str(list(expected[name])) if name in expected else _("none")
        found = str(list(tensors[name].shape)) if name in tensors else _("missing")
        if wanted != found:
            counts[re.sub(r"\.\d+(?=\.)", ".*", name), found, wanted] += 1
    return [
        _("{file}: {name} ({count} x) is {found}; expected {wanted}. Use files of one model.").format(
            file=files.vocos_weights if name.startswith("vocos.") else files.model,
            name=name,
            count=count,
            found=found,
            wanted=wanted,
        )
        for (name, found, wanted), count in counts.items()
    ]

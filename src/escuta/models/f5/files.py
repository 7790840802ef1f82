"""The files of an F5-TTS: released folders, folders of its training tool, and our own."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from escuta.errors import WeightsError
from escuta.messages import _
from escuta.models.hub import Release, on_disk

VOCOS = Release(
    "charactr/vocos-mel-24khz",
    "0feb3fdd929bcd6649e0e7c5a688cf7dd012ef21",
    ("config.yaml", "pytorch_model.bin"),
    {"pytorch_model.bin": "97ec976ad1fd67a33ab2682d29c0ac7df85234fae875aefcc5fb215681a91b2a"},
)
"""The vocoder of every released F5-TTS, 54 MB."""

VOCOS_FOLDERS = ("vocos", "vocos-mel-24khz", ".")
"""Where a folder may hold it."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files of a model lie."""

    model: Path
    vocab: Path
    architecture: Path | None
    """What f5-tts calls a model's configuration; None where there is none."""
    vocos_config: Path | None
    """None, as of the next, where the folder has no vocoder and none was asked for."""
    vocos_weights: Path | None


def find_files(folder: Path, *, speaking: bool = False) -> Files:
    """Find a model's files.

    Args:
        folder: Holds them.
        speaking: The vocoder too is needed; where the folder has none, the hub's cache may.

    Raises:
        WeightsError: Some are missing; all of them are named.
    """
    if not folder.is_dir():
        raise WeightsError(_("{folder}: is no folder; expected one with the files of an F5-TTS.").format(folder=folder))
    model, vocab, vocos = _model_file(folder), folder / "vocab.txt", _vocos(folder)
    problems = []
    if model is None:
        problems.append(
            _("{folder}: has no model; expected model_N.safetensors or model_N.pt. Copy one there.").format(
                folder=folder
            )
        )
    if not vocab.is_file():
        problems.append(
            _("{folder}: has no vocab.txt; expected the one made with the model. Copy it there.").format(folder=folder)
        )
    if vocos is None and speaking:
        problems.append(
            _(
                "{folder}: has no vocoder; expected config.yaml and pytorch_model.bin of {repo} in {folder}/vocos. "
                "Copy them there."
            ).format(folder=folder, repo=VOCOS.repo)
        )
    if model is None or problems:
        raise WeightsError(*problems)
    return Files(
        model=model,
        vocab=vocab,
        architecture=_architecture(folder),
        vocos_config=vocos / "config.yaml" if vocos else None,
        vocos_weights=vocos / "pytorch_model.bin" if vocos else None,
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a table.

    Raises:
        WeightsError: It cannot be read, or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        cause = " ".join(str(error).split())
        raise WeightsError(
            _("{path}: cannot be read ({cause}); expected YAML.").format(path=path, cause=cause)
        ) from error
    if not isinstance(content, dict):
        raise WeightsError(_("{path}: holds no table; expected YAML with names and values.").format(path=path))
    return content


def _model_file(folder: Path) -> Path | None:
    """The last of a training's models, else that with the highest number, else the only one there is."""
    found = [path for path in sorted(folder.iterdir()) if path.suffix in (".safetensors", ".pt") and path.is_file()]
    last = [path for path in found if path.stem == "model_last"]
    numbered = [path for path in found if re.fullmatch(r"(pretrained_)?model_\d+", path.stem)]
    if last or numbered:
        return last[0] if last else max(numbered, key=lambda path: int(path.stem.rpartition("_")[2]))
    return found[0] if len(found) == 1 else None


def _architecture(folder: Path) -> Path | None:
    files = (path for path in sorted(folder.glob("*.yaml")) if isinstance(read_yaml(path).get("model"), dict))
    return next(files, None)


def _vocos(folder: Path) -> Path | None:
    for beside in (folder / name for name in VOCOS_FOLDERS):
        if all((beside / name).is_file() for name in VOCOS.files):
            return beside
    return on_disk(VOCOS)

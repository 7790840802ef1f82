"""The files of an XTTS-v2: released folders, coqui's training runs, and our own."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escuta.errors import WeightsError
from escuta.messages import _


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files of a model lie."""

    model: Path
    config: Path
    vocab: Path
    dvae: Path | None
    """None where there is none: a model file may hold the DVAE itself, as a training run's does."""
    mel_stats: Path | None
    """None where there is none: all but the oldest model files hold them."""


def find_files(folder: Path) -> Files:
    """Find a model's files.

    Raises:
        WeightsError: Some are missing; all of them are named.
    """
    if not folder.is_dir():
        raise WeightsError(
            _("{folder}: is no folder; expected one with the files of an XTTS-v2.").format(folder=folder)
        )
    model, config, vocab = _model_file(folder), folder / "config.json", folder / "vocab.json"
    problems = []
    if model is None:
        problems.append(
            _(
                "{folder}: has no model; expected model.pth, model.safetensors, best_model.pth or checkpoint_N.pth. "
                "Copy one there."
            ).format(folder=folder)
        )
    if not config.is_file():
        problems.append(
            _("{folder}: has no config.json; expected the one made with the model. Copy it there.").format(
                folder=folder
            )
        )
    elif not vocab.is_file():
        vocab = _named_vocab(config) or vocab
    if not vocab.is_file():
        problems.append(
            _("{folder}: has no vocab.json; expected the one of the base model. Copy it there.").format(folder=folder)
        )
    if model is None or problems:
        raise WeightsError(*problems)
    dvae, mel_stats = folder / "dvae.pth", folder / "mel_stats.pth"
    return Files(
        model=model,
        config=config,
        vocab=vocab,
        dvae=dvae if dvae.is_file() else None,
        mel_stats=mel_stats if mel_stats.is_file() else None,
    )


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        WeightsError: It cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(
            _("{path}: cannot be read ({cause}); expected JSON.").format(path=path, cause=error)
        ) from error
    if not isinstance(content, dict):
        raise WeightsError(_("{path}: holds no table; expected a JSON object.").format(path=path))
    return content


def _model_file(folder: Path) -> Path | None:
    """The model of a folder: what coqui-tts would take first, else the last checkpoint of a training run."""
    for name in ("model.pth", "model.safetensors", "best_model.pth"):
        if (folder / name).is_file():
            return folder / name
    checkpoints = [path for path in folder.glob("checkpoint_*.pth") if _step(path).isdigit()]
    return max(checkpoints, key=lambda path: int(_step(path)), default=None)


def _step(checkpoint: Path) -> str:
    return checkpoint.stem.removeprefix("checkpoint_")


def _named_vocab(config: Path) -> Path | None:
    """The vocabulary that a training run's settings name; the run's folder has none."""
    model_args = read_json(config).get("model_args")
    named = model_args.get("tokenizer_file") if isinstance(model_args, dict) else None
    return Path(named) if isinstance(named, str) and named else None

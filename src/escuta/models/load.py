"""A model from its folder, whichever family it is of."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import torch

from escuta.engine.linear import Precision
from escuta.errors import InstallError
from escuta.messages import _
from escuta.models.base import Learning, Use, VoiceModel
from escuta.models.f5 import footprint as f5_footprint
from escuta.models.f5 import weights as f5_weights
from escuta.models.f5.model import load_f5
from escuta.models.families import Family, family_of
from escuta.models.xtts import footprint as xtts_footprint
from escuta.models.xtts import weights as xtts_weights
from escuta.models.xtts.model import load_xtts


@dataclass(frozen=True, slots=True)
class _Door:
    """What every family answers about a folder."""

    load: Callable[..., VoiceModel]
    fingerprint: Callable[[Path], str]
    features_fingerprint: Callable[[Path], str]
    trained_bytes: Callable[[Path, Learning], int]
    batch_bytes: Callable[[Path, int, float, int, Learning], int]
    speaking_bytes: Callable[[Path, Precision], int]


_DOORS: dict[Family, _Door] = {
    "xtts": _Door(
        load_xtts,
        xtts_weights.fingerprint,
        xtts_weights.features_fingerprint,
        xtts_footprint.trained_bytes,
        xtts_footprint.batch_bytes,
        xtts_footprint.speaking_bytes,
    ),
    "f5": _Door(
        load_f5,
        f5_weights.fingerprint,
        f5_weights.features_fingerprint,
        f5_footprint.trained_bytes,
        f5_footprint.batch_bytes,
        f5_footprint.speaking_bytes,
    ),
}


def load_model(folder: Path, *, uses: Collection[Use], device: str = "cpu") -> VoiceModel:
    """Load what `uses` need of the model in `folder`.

    Raises:
        ModelError: Files are missing, damaged, or not of a model that escuta knows.
        InstallError: This machine has no such device.
    """
    refuse_absent(device)
    return _door(folder).load(folder, uses=uses, device=device)


def refuse_absent(device: str) -> None:
    """Make sure that this machine has `device`: cpu, mps, cuda or cuda:N.

    Raises:
        InstallError: It has not, or its PyTorch was built without it.
    """
    num_gpus = torch.cuda.device_count()
    there = ["cpu", *(f"cuda:{number}" for number in range(num_gpus))]
    there += [kind for kind, found in (("cuda", num_gpus), ("mps", torch.backends.mps.is_available())) if found]
    if device not in there:
        raise InstallError(
            _("device {device}: not there, or not for this PyTorch; expected one of {names}.").format(
                device=device, names=", ".join(there)
            )
        )


def model_fingerprint(folder: Path) -> str:
    """Tell one base model from another.

    Raises:
        ModelError: Files are missing.
    """
    return _door(folder).fingerprint(folder)


def features_fingerprint(folder: Path) -> str:
    """Tell apart models that give other features of the same clip.

    Raises:
        ModelError: Files are missing.
    """
    return _door(folder).features_fingerprint(folder)


def trained_bytes(folder: Path, learning: Learning) -> int:
    """How much the trained weights of the model in `folder` take in fp32, told before they are loaded.

    Args:
        folder: Of the model.
        learning: What of the model learns.

    Raises:
        ModelError: Files are missing, damaged, or not of a model that escuta knows.
    """
    return _door(folder).trained_bytes(folder, learning)


def batch_bytes(folder: Path, num_clips: int, clip_seconds: float, number_bytes: int, learning: Learning) -> int:
    """What learning from one batch takes besides weights, gradients and optimizer, told before anything is loaded.

    Args:
        folder: Of the model.
        num_clips: In the batch.
        clip_seconds: Of each.
        number_bytes: Of the arithmetic: 2 or 4.
        learning: What of the model learns.

    Raises:
        ModelError: Files are missing, damaged, or not of a model that escuta knows.
    """
    return _door(folder).batch_bytes(folder, num_clips, clip_seconds, number_bytes, learning)


def speaking_bytes(folder: Path, precision: Precision) -> int:
    """The most memory that speaking with the model in `folder` takes on a CPU, told before it is loaded.

    Raises:
        ModelError: Files are missing, damaged, or not of a model that escuta knows.
    """
    return _door(folder).speaking_bytes(folder, precision)


def _door(folder: Path) -> _Door:
    return _DOORS[family_of(folder)]

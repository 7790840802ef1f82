"""A model from its folder, whichever family it is of."""

from collections.abc import Collection
from pathlib import Path
from typing import TypeAlias

import torch

from escuta.engine.linear import Precision
from escuta.errors import InstallError
from escuta.messages import _
from escuta.models.base import Learning, VoiceModel
from escuta.models.xtts.footprint import batch_bytes as xtts_batch_bytes
from escuta.models.xtts.footprint import speaking_bytes as xtts_speaking_bytes
from escuta.models.xtts.footprint import trained_bytes as xtts_trained_bytes
from escuta.models.xtts.model import Use as XttsUse
from escuta.models.xtts.model import load_xtts
from escuta.models.xtts.weights import features_fingerprint as xtts_features_fingerprint
from escuta.models.xtts.weights import fingerprint as xtts_fingerprint

Use: TypeAlias = XttsUse
"""What a model is wanted for; the parts that no use needs are not loaded."""


def load_model(folder: Path, *, uses: Collection[Use], device: str = "cpu") -> VoiceModel:
    """Load what `uses` need of the model in `folder`.

    Raises:
        ModelError: Files are missing, damaged, or not of a model that escuta knows.
        InstallError: This machine has no such device.
    """
    refuse_absent(device)
    return load_xtts(folder, uses=uses, device=device)


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
    return xtts_fingerprint(folder)


def features_fingerprint(folder: Path) -> str:
    """Tell apart models that give other features of the same clip.

    Raises:
        ModelError: Files are missing.
    """
    return xtts_features_fingerprint(folder)


def trained_bytes(folder: Path) -> int:
    """How much the trained weights of the model in `folder` take in fp32, told before they are loaded.

    Raises:
        ModelError: Files are missing, damaged, or not of a model that escuta knows.
    """
    return xtts_trained_bytes(folder)


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
    return xtts_batch_bytes(folder, num_clips, clip_seconds, number_bytes, learning)


def speaking_bytes(folder: Path, precision: Precision) -> int:
    """The most memory that speaking with the model in `folder` takes on a CPU, told before it is loaded.

    Raises:
        ModelError: Files are missing, damaged, or not of a model that escuta knows.
    """
    return xtts_speaking_bytes(folder, precision)

"""What earlier samples of a run tell about precisions: a speaking process that starts again need not find out again."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from escuta.engine.faithfulness import LADDER, Asked, Trust
from escuta.models.base import Features, VoiceModel
from escuta.models.families import Family
from escuta.models.precision import precision_for


def recall(samples: Path, asked: Asked, device: str, family: Family = "xtts") -> Trust:
    """Take up the trust that the newest sample of a folder tells of; begin with none where there is none.

    Args:
        samples: The run's samples/.
        asked: The precision asked for; what was found with another one says nothing.
        device: Kind of device that speaks.
        family: Of the model that speaks.
    """
    told = [about for about in _abouts(samples) if _is_of(about, asked, device)]
    if not told:
        return Trust(asked, precision_for(asked, device, family))
    newest = told[-1]["precision"]
    return Trust(
        asked,
        used=newest["used"],
        difference=newest["difference"],
        checked=newest["checked"],
        refused=newest["refused"],
        samples_since=sum(about["precision"].get("checked") == newest["checked"] != about["name"] for about in told),
    )


def settle(trust: Trust, model: VoiceModel, clips: Sequence[Features], sample: str) -> None:
    """Pack `model` in the precision trusted; where that was not measured yet and can be, measure it first.

    Args:
        trust: From `recall`; learns the outcome.
        model: With the weights that are to speak.
        clips: Held out; without any nothing is measured.
        sample: What they are called.
    """
    model.pack(trust.used)
    while clips and trust.due() and not trust.judge(sample, model.difference(clips)):
        model.pack(trust.used)


def _abouts(samples: Path) -> list[dict[str, Any]]:
    """The JSON files of the samples, the newest last; one that cannot be read tells nothing."""
    found = []
    for path in samples.glob("*.json"):
        try:
            found.append((path.stat().st_mtime_ns, json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError):
            continue
    return [about for _time, about in sorted(found, key=lambda one: one[0]) if isinstance(about, dict)]


def _is_of(about: dict[str, Any], asked: Asked, device: str) -> bool:
    match about:
        case {
            "name": str(),
            "device": kind,
            "precision": {
                "asked": wanted,
                "used": used,
                "difference": float() | int() | None,
                "checked": str() | None,
                "refused": dict(),
            },
        }:
            return kind == device and wanted == asked and used in LADDER
    return False

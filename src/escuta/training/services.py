"""A training for the trackers that accelerate knows: wandb, trackio, mlflow and others."""

from collections.abc import Mapping
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

from accelerate.tracking import LOGGER_TYPE_TO_CLASS

from escuta.run.folder import RunFolder
from escuta.settings import Settings, setting_names

PROJECT = "escuta"
"""Under which runs appear there."""


class Service:
    """One of them.

    Args:
        name: As accelerate has it.
        run: The run, whose folder's name it goes by where that can be chosen.
    """

    def __init__(self, name: str, run: RunFolder) -> None:
        kind = LOGGER_TYPE_TO_CLASS[name]
        chosen: dict[str, Any] = {}
        if kind.requires_logging_directory:
            chosen["logging_dir"] = str(run.path / name)
        if name in ("wandb", "trackio"):
            chosen["name"] = run.path.resolve().name
        self._name = name
        self._tracker = kind(PROJECT, **chosen)
        self._tracker.start()

    def begin(self, settings: Settings, step: int) -> None:
        """Hand over the settings, each under its dotted name."""
        del step
        self._tracker.store_init_configuration(
            {name: str(attrgetter(name)(settings)) for name in setting_names()},
        )

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Hand over the numbers of a step."""
        self._tracker.log(dict(values), step=step)

    def sample(self, number: int, wav: Path, text: str, step: int) -> None:
        """Hand over a sample where audio is taken: wandb and trackio play it, mlflow keeps the file."""
        if self._name in ("wandb", "trackio"):
            audio = import_module(self._name).Audio(str(wav), caption=f"{text} ({step})")
            self._log_late({f"sample/{number}": audio, "sample/step": step})
        elif self._name == "mlflow":
            import_module("mlflow").log_artifact(str(wav), "samples")

    def scores(self, values: Mapping[str, float], step: int) -> None:
        """Hand over what a checkpoint scored."""
        if self._name in ("wandb", "trackio"):
            self._log_late({**values, "score/step": step})
        else:
            self.numbers(values, step)

    def _log_late(self, values: Mapping[str, Any]) -> None:
        """Hand over what comes later than its step: wandb refuses the numbers of a step that is past.

        Without a step, wandb goes to the next one by itself, and then refuses what comes of the one before.
        """
        beside = {"commit": False} if self._name == "wandb" else {}
        self._tracker.log(dict(values), **beside)

    def close(self) -> None:
        """Hand over what is left."""
        self._tracker.finish()

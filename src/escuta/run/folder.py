"""Where everything of a run lies; no other file spells these names."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escuta.errors import RunError
from escuta.messages import _
from escuta.run.publish import publish_text, remove_partials


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One training in one folder."""

    path: Path

    @property
    def settings(self) -> Path:
        """What was asked."""
        return self.path / "settings.toml"

    @property
    def facts(self) -> Path:
        """What ran: versions, device, base model, dataset, sentences."""
        return self.path / "run.json"

    @property
    def clips(self) -> Path:
        """The clips it learns from and those held out, one by one."""
        return self.path / "clips.json"

    @property
    def held_out(self) -> Path:
        """A few held-out clips as the model takes them, to measure packed weights with."""
        return self.path / "held_out.safetensors"

    @property
    def events(self) -> Path:
        """What happened, one JSON line an event."""
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        """What the terminal showed."""
        return self.path / "train_output.log"

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / "report.html"

    @property
    def answers(self) -> Path:
        """What people answered in blind tests, one JSON line an answer."""
        return self.path / "blind.jsonl"

    @property
    def exports(self) -> Path:
        """Folder of the model folders that somebody chose by ear."""
        return self.path / "exports"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def best_checkpoint(self) -> Path:
        """The checkpoint with the lowest val_loss."""
        return self.checkpoints / "best_model.pt"

    @property
    def best_by_score(self) -> Path:
        """The checkpoint whose samples scored best."""
        return self.checkpoints / "best_by_score.pt"

    @property
    def last_state(self) -> Path:
        """Where an interrupted training continues from; there only while it is newer than every checkpoint."""
        return self.checkpoints / "last.pt"

    def checkpoint(self, name: str) -> Path:
        """The checkpoint whose samples are called `name`, as epoch_3 or, within an epoch, step_500."""
        return self.checkpoints / f"checkpoint_{name}.pt"

    def epoch_checkpoint(self, epoch: int) -> Path:
        """The checkpoint at the end of `epoch`."""
        return self.checkpoint(f"epoch_{epoch}")

    @property
    def samples(self) -> Path:
        """Folder of the samples."""
        return self.path / "samples"

    @property
    def best_samples(self) -> Path:
        """Folder of the best checkpoint's sample."""
        return self.samples / "best"

    @property
    def best_by_score_samples(self) -> Path:
        """Folder of the sample that scored best."""
        return self.samples / "best_by_score"

    @property
    def pictures(self) -> Path:
        """Folder of what the page draws of the samples; it is made anew where it is missing."""
        return self.path / "pictures"

    def exists(self) -> bool:
        """Whether a training was begun here."""
        return self.facts.exists()

    def read_facts(self) -> dict[str, Any]:
        """Read run.json.

        Raises:
            RunError: This is not a run, or its run.json is damaged.
        """
        try:
            facts = json.loads(self.facts.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise RunError(
                _("{run}: no run.json; expected the folder of a run. Name the folder given to --out.").format(
                    run=self.path
                )
            ) from None
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise RunError(
                _("{file}: {reason}; expected JSON. Restore it or begin afresh with --fresh.").format(
                    file=self.facts, reason=error
                )
            ) from None
        if not isinstance(facts, dict):
            raise RunError(
                _(
                    "{file}: holds no table of facts; expected what a training wrote. Restore it or begin afresh with "
                    "--fresh."
                ).format(file=self.facts)
            )
        return facts

    def base_folder(self) -> Path:
        """Folder of the base model that the run began with.

        Raises:
            RunError: run.json does not say.
        """
        try:
            return Path(self.read_facts()["base"]["folder"])
        except (KeyError, TypeError):
            raise RunError(
                _("{file}: does not name the base model; expected what a training wrote.").format(file=self.facts)
            ) from None

    def write_facts(self, facts: dict[str, Any]) -> None:
        """Write run.json."""
        publish_text(self.facts, json.dumps(facts, ensure_ascii=False, indent=2) + "\n")

    def set_aside(self) -> Path:
        """Rename this run so that a fresh one can take its place; return its new folder.

        Raises:
            RunError: A process trains here or is at home here.
        """
        if Path.cwd().is_relative_to(self.path.resolve()):
            raise RunError(
                _("{run}: holds the current folder and cannot be moved aside. Leave it, then try again.").format(
                    run=self.path
                )
            )
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.old-{number}")).exists():
            number += 1
        with self.in_use():
            return self.path.rename(aside)

    @contextmanager
    def in_use(self, *, shared: bool = False) -> Iterator[None]:
        """Hold the run for this process, so that two trainings never share a folder; tidy up after a killed one.

        Args:
            shared: Hold it together with others that share it, as those that speak the same run later do.

        Raises:
            RunError: Another process trains here, or the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise RunError(
                _("{run}: cannot be written ({reason}). Choose another folder with --out.").format(
                    run=self.path, reason=error.strerror
                )
            ) from None
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise RunError(
                _(
                    "{run}: in use by another process, a training or `escuta sample`. Wait for it, or name another "
                    "folder."
                ).format(run=self.path)
            ) from None
        try:
            if not shared:  # another may be writing one
                remove_partials(self.checkpoints)
            yield
        finally:
            os.close(handle)

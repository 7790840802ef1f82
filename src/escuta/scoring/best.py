"""The best checkpoint of a run by score: chosen from what was scored so far, and kept under names of its own."""

import json
from collections.abc import Iterable
from pathlib import Path

from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from escuta.run.publish import publish_copy
from escuta.scoring.rule import Choice, Rule, Yardstick, choose, ranked
from escuta.scoring.scored import ENDING, Scored, read_scored
from escuta.scoring.spread import spread_of

BASE = "epoch_0"
"""What the base model's own sample is called."""


class BestByScore:
    """Chooses among the scored checkpoints of `run` whose files are there.

    Args:
        run: The run.
        rule: Chooses.
        keep_top: Checkpoints that are to be kept for their scores, the best among them.
    """

    def __init__(self, run: RunFolder, rule: Rule = choose, keep_top: int = 1) -> None:
        self._run = run
        self._rule = rule
        self._keep_top = keep_top
        self._scored: dict[str, Scored] = {}
        self._val_loss: dict[str, float] = {}
        self.choice: Choice | None = None
        """The best so far; None while nothing is scored."""
        self.top: tuple[Path, ...] = ()
        """Files of the best few, the best first."""

    def read(self) -> None:
        """Learn all that was scored so far, and every val_loss."""
        for event in read_events(self._run.events):
            match event:
                case {"event": "epoch", "epoch": int(epoch), "val_loss": float(val_loss)}:
                    self.validated(f"epoch_{epoch}", val_loss)
        for path in self._run.samples.glob(f"*{ENDING}"):
            if path.name.startswith(("epoch_", "step_")):
                self.scored(path.name.removesuffix(ENDING))

    def validated(self, name: str, val_loss: float) -> None:
        """Learn the val_loss of a checkpoint; it comes before its scores."""
        self._val_loss[name] = val_loss

    def scored(self, name: str) -> None:
        """Learn what the sample called `name` scored; a file that cannot be read says nothing."""
        if scored := read_scored(self._run.samples / f"{name}{ENDING}", self._val_loss.get(name)):
            self._scored[name] = scored

    def scored_since(self) -> int:
        """Count the scored ends of epochs that came after the best, in vain."""
        if self.choice is None:
            return 0
        later = (one for one in self._scored.values() if one.epoch > self.choice.best.epoch)
        return sum(one.name.startswith("epoch_") for one in later)

    def choose(self) -> Choice | None:
        """Choose anew, and let the run's names for the best name it; return the choice when it is another than before.

        Raises:
            SettingsError: The rule is the user's own, and fails.
            OSError: The disk is full or the folder cannot be written.
        """
        there = [one for one in self._scored.values() if self._run.checkpoint(one.name).exists()]
        if not there:
            return None
        yardstick = Yardstick(self._scored.get(BASE), spread_of(self._scored.values()))
        choice = self._rule(there, yardstick)
        checkpoint = self._run.checkpoint(choice.best.name)
        known = checkpoint if _is_same(checkpoint, self._run.best_by_score) else None
        if self.top:
            known = self.top[0]  # where there are no hard links, only this one tells
        others = [one for one in there if one.name != choice.best.name]
        top = [choice.best, *ranked(others, yardstick, self._rule, first=self._keep_top - 1)]
        if known != checkpoint:
            publish_copy(checkpoint, self._run.best_by_score)
        self._keep_sample(choice.best.name)
        self.choice = choice
        self.top = tuple(self._run.checkpoint(one.name) for one in top)
        return choice if known != checkpoint else None

    def _keep_sample(self, name: str) -> None:
        """Let samples/best_by_score/ have the files of the sample `name`, as they are now, and no others."""
        folder = self._run.best_by_score_samples
        files = _files(self._run.samples / f"{name}.json")
        for file in files:
            if not _is_same(file, folder / file.name):
                publish_copy(file, folder / file.name)
        names = {file.name for file in files}
        for path in folder.iterdir() if names else ():
            if path.name not in names and not path.name.startswith("."):
                path.unlink()


def update(run: RunFolder, rule: Rule = choose) -> Choice | None:
    """Choose the best of a run that is not being trained, after samples were scored; return it when it is another.

    Raises:
        SettingsError: The rule is the user's own, and fails.
        OSError: The disk is full or the folder cannot be written.
    """
    best = BestByScore(run, rule)
    best.read()
    return best.choose()


def _files(record: Path) -> list[Path]:
    """All that belongs to a sample; nothing while it is being made anew."""
    try:
        about = json.loads(record.read_text(encoding="utf-8"))
        names: Iterable[str] = (about["reference"], *(one["file"] for one in about["sentences"]))
        paths = [record.with_name(Path(name).name) for name in names]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    paths += [record, record.with_name(f"{record.stem}{ENDING}")]
    return paths if all(path.exists() for path in paths) else []


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)

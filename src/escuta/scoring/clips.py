"""The real clips of a run: those it learns from, and those it never hears."""

from dataclasses import dataclass
from pathlib import Path

from escuta.data.inventory import Inventory
from escuta.data.manifest import find_audio
from escuta.run.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Take:
    """A recording, and what is said in it."""

    audio: Path
    text: str


@dataclass(frozen=True, slots=True)
class RunClips:
    """Both sides, each in an order that is random but the same every time; empty where the dataset is gone."""

    learned: tuple[Take, ...] = ()
    held_out: tuple[Take, ...] = ()


def read_clips(run: RunFolder) -> RunClips:
    """Find the clips of a run, where run.json says that they are.

    Raises:
        RunError: There is no run.
    """
    folder = run.read_facts().get("dataset", {}).get("folder")
    try:
        entries = Inventory.from_json(run.clips.read_text(encoding="utf-8")).entries
    except (OSError, ValueError):
        return RunClips()
    if not isinstance(folder, str):
        return RunClips()
    sides: dict[bool, list[Take]] = {False: [], True: []}
    for entry in entries:
        if audio := find_audio(Path(folder), entry.name):
            sides[entry.held_out].append(Take(audio, entry.text))
    return RunClips(tuple(sides[False]), tuple(sides[True]))

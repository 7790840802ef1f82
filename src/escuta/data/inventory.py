"""What a training learns from, clip by clip, so that a later start can tell what has changed since."""

import hashlib
import json
import os
from collections.abc import Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from escuta.data.dataset import Dataset
from escuta.errors import DataError
from escuta.messages import _

NAMES_SHOWN = 5
MAX_THREADS = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One clip."""

    name: str
    text: str
    audio: str
    """SHA-256 of the file."""
    held_out: bool


@dataclass(frozen=True)
class Inventory:
    """All clips: those learned from, then those held out."""

    entries: tuple[Entry, ...]

    @cached_property
    def fingerprint(self) -> str:
        """Hash names, texts and files of all clips, each in its place: the same data give the same 64 digits."""
        total = hashlib.sha256()
        for held_out in (False, True):
            side = [entry for entry in self.entries if entry.held_out == held_out]
            total.update(len(side).to_bytes(8))
            for entry in side:
                for part in (entry.name, entry.text):
                    total.update(hashlib.sha256(part.encode()).digest())
                total.update(bytes.fromhex(entry.audio))
        return total.hexdigest()

    def to_json(self) -> str:
        """Write it as a JSON list, a clip a line."""
        lines = (json.dumps(asdict(entry), ensure_ascii=False) for entry in self.entries)
        return "[\n" + ",\n".join(lines) + "\n]\n"

    @classmethod
    def from_json(cls, text: str) -> "Inventory":
        """Read what `to_json` wrote.

        Raises:
            ValueError: It is something else.
        """
        try:
            return cls(tuple(Entry(**entry) for entry in json.loads(text)))
        except TypeError as error:
            raise ValueError(str(error)) from error

    def changes_since(self, earlier: "Inventory") -> list[str]:
        """Tell what was added, removed, edited or moved between learning and held out; empty when nothing was."""
        before, now = earlier._by_name(), self._by_name()
        both = before.keys() & now.keys()
        edited = {name for name in both if _contents(before[name]) != _contents(now[name])}
        moved = {name for name in both - edited if before[name] != now[name]}
        found = [
            (_("clips added: {names}"), now.keys() - before.keys()),
            (_("clips removed: {names}"), before.keys() - now.keys()),
            (_("clips whose text or recording was edited: {names}"), edited),
            (_("clips moved between training and held out: {names}"), moved),
        ]
        return [line.format(names=_some(names)) for line, names in found if names]

    def _by_name(self) -> dict[str, set[Entry]]:
        """Entries by name; two files in different folders may share one."""
        by_name: dict[str, set[Entry]] = {}
        for entry in self.entries:
            by_name.setdefault(entry.name, set()).add(entry)
        return by_name


def take_inventory(dataset: Dataset) -> Inventory:
    """Read every file once.

    Raises:
        DataError: A file cannot be read any more.
    """
    clips = (*dataset.train, *dataset.held_out)
    with ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1)) as threads:
        hashes = list(threads.map(file_hash, (clip.audio for clip in clips)))
    return Inventory(
        tuple(
            Entry(clip.name, clip.text, audio, held_out=number >= len(dataset.train))
            for number, (clip, audio) in enumerate(zip(clips, hashes, strict=True))
        )
    )


def file_hash(path: Path) -> str:
    """SHA-256 of a clip's file.

    Raises:
        DataError: It cannot be read any more.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            _("{path}: cannot be opened; {reason}. Put it back, or check the dataset again.").format(
                path=path, reason=error.strerror
            )
        ) from error


def _contents(entries: Set[Entry]) -> set[tuple[str, str]]:
    return {(entry.text, entry.audio) for entry in entries}


def _some(names: Set[str]) -> str:
    shown = ", ".join(sorted(names)[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return _("{names} and {n} more").format(names=shown, n=more) if more > 0 else shown

"""Scores the samples of one run, one after the other: each beside its sample, whole or not at all."""

import json
import re
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from escuta.errors import RunError
from escuta.messages import _
from escuta.run.folder import RunFolder
from escuta.scoring.clips import RunClips, read_clips
from escuta.scoring.instruments import Instruments, gather
from escuta.scoring.measure import measure
from escuta.scoring.profile import Profile, profile_of
from escuta.scoring.recording import Recording
from escuta.scoring.scored import ENDING
from escuta.scoring.sheet import Entry, Sheet, read_sheet
from escuta.settings import ScoreSettings

HELD_OUT = "held_out"
"""What the real clips that were kept apart are called among samples: the best that any could score."""
MAX_HELD_OUT = 16

Spoken: TypeAlias = tuple[Path, str, int | None, bool | None]
"""A recording, its text, its seed, and whether the model ended by itself."""


class Scorer:
    """Scores samples of `run`; what measures is loaded when the first one is asked for.

    Args:
        run: The run.
        settings: Which recogniser, and where it computes.
        threads: CPU threads it may use.
        progress: Called now and then, as a sign of life.

    Raises:
        RunError: There is no run, or run.json does not say its language.
    """

    def __init__(
        self, run: RunFolder, settings: ScoreSettings, threads: int, progress: Callable[[], None] = lambda: None
    ) -> None:
        language = run.read_facts().get("language")
        if not isinstance(language, str):
            raise RunError(
                _("{file}: does not name the language; expected what a training wrote.").format(file=run.facts)
            )
        self._run = run
        self._settings = settings
        self._language = language
        self._threads = threads
        self._progress = progress

    @cached_property
    def instruments(self) -> Instruments:
        """What is at hand."""
        self._progress()
        return gather(self._settings, self._language, self._threads)

    @cached_property
    def _clips(self) -> RunClips:
        return read_clips(self._run)

    @cached_property
    def _profile(self) -> Profile:
        reference = self._run.read_facts().get("reference")
        return profile_of(
            self._clips.learned,
            self._language,
            self.instruments.voice_encoder,
            reference=Path(reference) if isinstance(reference, str) else None,
            progress=self._progress,
        )

    def score(self, name: str) -> Sheet | None:
        """Score the sample `name`, or the held-out clips, and write the file; None where nothing is there to score.

        Raises:
            AudioError: A recording cannot be read.
            OSError: The file cannot be written.
            RunError: The sample's JSON is damaged or gone.
        """
        spoken, about = self._held_out() if name == HELD_OUT else self._sample(name)
        if not spoken:
            return None
        sheet = self._measure_all(spoken, about)
        sheet.write(self._path(name))
        return sheet

    def is_scored(self, name: str) -> bool:
        """Whether the scores of a sample are of its recordings as they are, by the instruments that are at hand."""
        sheet = read_sheet(self._path(name))
        if not sheet or sheet["scorers"] != self.instruments.titles:
            return False
        spoken, about = self._held_out() if name == HELD_OUT else self._sample(name)
        try:
            made = max((path.stat().st_mtime_ns for path, *_more in spoken), default=0)
        except OSError:
            return False
        same = [(path.name, text) for path, text, *_more in spoken] == [(f["file"], f["text"]) for f in sheet["files"]]
        return same and sheet.get("weights") == about.get("weights") and self._path(name).stat().st_mtime_ns >= made

    def names(self) -> list[str]:
        """What there is to score: the held-out clips, then samples in the order of training."""
        return [*([HELD_OUT] if self._clips.held_out else []), *sample_names(self._run)]

    def _path(self, name: str) -> Path:
        return self._run.samples / f"{name}{ENDING}"

    def _held_out(self) -> tuple[list[Spoken], dict[str, Any]]:
        return [(take.audio, take.text, None, None) for take in self._clips.held_out[:MAX_HELD_OUT]], {}

    def _sample(self, name: str) -> tuple[list[Spoken], dict[str, Any]]:
        path = self._run.samples / f"{name}.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            about = {key: content[key] for key in ("name", "epoch", "step", "weights")}
            spoken = [
                (path.with_name(one["file"]), one["text"], one.get("seed", content["seed"]), one["stop"] == "ended")
                for one in content["sentences"]
            ]
        except (OSError, ValueError, KeyError, TypeError):
            raise RunError(
                _("{file}: missing or damaged; expected what a sample wrote. Make it again: escuta sample RUN").format(
                    file=path
                )
            ) from None
        return spoken, about

    def _measure_all(self, spoken: Iterable[Spoken], about: dict[str, Any]) -> Sheet:
        instruments, profile = self.instruments, self._profile
        started = time.perf_counter()
        entries, audio_seconds = [], 0.0
        for path, text, seed, ended in spoken:
            recording = Recording.read(path)
            audio_seconds += recording.seconds
            measured = measure(recording, text, self._language, instruments=instruments, profile=profile, ended=ended)
            entries.append(Entry(path.name, text, seed, measured.heard, measured.scores))
            self._progress()
        return Sheet(
            scorers=instruments.titles,
            missing=instruments.missing,
            seconds=round(time.perf_counter() - started, 3),
            audio_seconds=round(audio_seconds, 3),
            files=tuple(entries),
            about=about,
        )


def sample_names(run: RunFolder) -> list[str]:
    """The samples there are, in the order of training; damaged ones come first."""
    paths = [path for path in run.samples.glob("*.json") if re.fullmatch(r"(epoch|step)_\d+", path.stem)]
    return [path.stem for path in sorted(paths, key=lambda path: (_step(path), path.stem))]


def _step(path: Path) -> int:
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["step"])
    except (OSError, ValueError, KeyError, TypeError):
        return -1

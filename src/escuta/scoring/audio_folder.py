"""Any folder of recordings, scored against what was to be said in each."""

import time
from pathlib import Path

from escuta.audio.files import EXTENSIONS, probe
from escuta.data.textfile import read_text
from escuta.errors import DataError
from escuta.messages import _
from escuta.scoring.clips import Take
from escuta.scoring.instruments import Instruments
from escuta.scoring.measure import measure
from escuta.scoring.profile import profile_of
from escuta.scoring.recording import Recording
from escuta.scoring.sheet import Entry, Sheet
from escuta.terminal import Terminal

FILE_NAME = "scores.json"
"""What the scores are written to, in the folder."""


def find_takes(folder: Path, texts: Path) -> list[Take]:
    """Pair the recordings of `folder` with the lines of `texts`.

    Args:
        folder: Of wav, flac, ogg or mp3 files.
        texts: A line a recording: `name|text`, or the text alone, in the order of the files' names.

    Raises:
        DataError: Recordings and lines do not fit together; every problem is told.
    """
    recordings = sorted(path for path in folder.glob("*") if path.suffix.lower() in EXTENSIONS)
    lines = [(number, line) for number, line in enumerate(read_text(texts, str(texts)).split("\n"), 1) if line.strip()]
    if not recordings:
        raise DataError(_("{folder}: no recordings; expected wav, flac, ogg or mp3 files.").format(folder=folder))
    if not any("|" in line for _number, line in lines):
        if len(lines) != len(recordings):
            raise DataError(
                _("{texts}: {lines} lines for {files} recordings; expected a line each, or lines of name|text.").format(
                    texts=texts, lines=len(lines), files=len(recordings)
                )
            )
        return [Take(path, line.strip()) for path, (_number, line) in zip(recordings, lines, strict=True)]
    by_name = {name: path for path in recordings for name in (path.name, path.stem)}
    takes, problems = [], []
    for number, line in lines:
        name, _bar, text = line.partition("|")
        if (path := by_name.get(name.strip())) and text.strip():
            takes.append(Take(path, text.rpartition("|")[2].strip() or text.strip("| ")))
        else:
            problems.append(
                _("{texts} line {number}: {name!r} is no recording in {folder}, or has no text. Mend the line.").format(
                    texts=texts, number=number, name=name.strip(), folder=folder
                )
            )
    if problems:
        raise DataError(*problems)
    return takes


def score_folder(
    takes: list[Take], language: str, instruments: Instruments, terminal: Terminal, *, reference: Path | None = None
) -> Sheet:
    """Score recordings.

    Args:
        takes: What, and what was to be said.
        language: Of the texts.
        instruments: What is at hand.
        terminal: Shows how far it is.
        reference: A recording of the voice that they should have; without one there is no similarity.

    Raises:
        AudioError: A recording cannot be read.
    """
    started = time.perf_counter()
    if reference:
        probe(reference)
    profile = profile_of([], language, instruments.voice_encoder, reference=reference)
    missing = dict(instruments.missing)
    if profile.voice_D is None:
        missing.setdefault("speaker_similarity", _("there is no voice to compare with; give one with --reference"))
    entries, audio_seconds = [], 0.0
    with terminal.progress(_("Scoring"), len(takes)) as advance:
        for take in takes:
            recording = Recording.read(take.audio)
            audio_seconds += recording.seconds
            measured = measure(recording, take.text, language, instruments=instruments, profile=profile)
            entries.append(Entry(take.audio.name, take.text, None, measured.heard, measured.scores))
            advance(take.audio.name)
    return Sheet(
        scorers=instruments.titles,
        missing=missing,
        seconds=round(time.perf_counter() - started, 3),
        audio_seconds=round(audio_seconds, 3),
        files=tuple(entries),
    )

"""What is wrong with a dataset: every problem of every line, and the clips that remain.

A clip is left out when it cannot be learned from: recording missing, unreadable, silent, too long or too short, text
empty or not speakable, or the same line, recording or sound as a clip before it. It is kept, with a warning, when it is
clipped: the model would learn the distortion, but the clip can be learned.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from escuta.audio.files import Wav, decode, probe
from escuta.data.clip import Clip
from escuta.data.manifest import Problem, Row, find_audio, read_manifest
from escuta.errors import AudioError
from escuta.messages import _, _n

if TYPE_CHECKING:
    from escuta.models.base import ClipLimits

XTTS_SECONDS = (0.5, 11.6)  # half a second; max_wav_length 255995 at 22050 Hz in the XTTS-v2 recipe
SILENT_DB = -50.0  # quiet speech peaks some 20 dB above this, a noisy room some 10 dB below
FULL_SCALE = 0.999  # 16-bit audio tops out at 32767 / 32768
CLIPPED_SHARE = 0.001  # audio brought to full scale touches it here and there; more is distortion
MAX_THREADS = 8

TextProblems = Callable[[str], list[str]]
"""What keeps a text from being learned or spoken, as phrases; see `VoiceModel.text_problems`."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What `check` found."""

    folder: Path
    clips: tuple[Clip, ...]
    """Those that remain, in the order of the manifest."""
    problems: tuple[Problem, ...]
    """In the order of lines."""
    num_lines: int
    """Lines of the manifest, header and blank lines not counted."""
    seconds: float
    """Of all recordings that can be read, each counted once."""
    num_too_long: int = 0
    """Recordings longer than `max_seconds`."""
    max_seconds: float = XTTS_SECONDS[1]

    def lines(self) -> list[str]:
        """Tell it all as plain lines: a line a problem, then what remains."""
        summary = _n(
            "{kept} of {count} clip remains, {minutes:.1f} of {all_minutes:.1f} minutes.",
            "{kept} of {count} clips remain, {minutes:.1f} of {all_minutes:.1f} minutes.",
            self.num_lines,
        ).format(
            kept=len(self.clips),
            count=self.num_lines,
            minutes=sum(clip.seconds for clip in self.clips) / 60,
            all_minutes=self.seconds / 60,
        )
        return [*(problem.message for problem in self.problems), summary]


@dataclass(frozen=True, slots=True)
class _Recording:
    """What one audio file holds."""

    path: Path
    shown: str
    """What messages call it."""
    seconds: float
    peak_db: float = 0.0
    clipped_share: float = 0.0
    sound: bytes = b""
    """Hash of the decoded samples; empty when they were not decoded, because the file is too long anyway."""


def check(
    folder: Path,
    *,
    limits: "ClipLimits | None" = None,
    text_problems: TextProblems | None = None,
    model_name: str = "XTTS",
    progress: Callable[[int, int], None] | None = None,
) -> Findings:
    """Read a dataset folder, every recording of it once, and report every problem.

    Args:
        folder: Holds `metadata.csv`, and the recordings in `wavs/`.
        limits: What the model can train on; None takes those of XTTS.
        text_problems: What keeps a text from being learned; None asks only that there is a text.
        model_name: What messages call the model.
        progress: Called with the recordings read so far and their number.

    Raises:
        DataError: `metadata.csv` as a whole cannot be read.
    """
    min_seconds, max_seconds = (limits.min_seconds, limits.max_seconds) if limits else XTTS_SECONDS
    manifest = read_manifest(folder)
    found = {row.audio: find_audio(folder, row.audio) for row in manifest.rows}
    heard = _hear_all(folder, sorted({path for path in found.values() if path}), max_seconds, progress)

    clips: list[Clip] = []
    problems = list(manifest.problems)
    kept_by_path: dict[Path, Row] = {}
    kept_by_sound: dict[bytes, Row] = {}
    for row in manifest.rows:
        path = found[row.audio]
        recording = heard[path] if path else _not_found(row)
        faults = list(_text_faults(row, text_problems))
        if isinstance(recording, AudioError):
            faults += recording.problems
        else:
            faults += _sound_faults(recording, min_seconds, max_seconds, model_name)
            faults += _repetitions(row, recording, kept_by_path.get(recording.path), kept_by_sound.get(recording.sound))
            if recording.clipped_share > CLIPPED_SHARE:
                problems.append(Problem(row.line, _clipped(recording), left_out=bool(faults)))
            if not faults:
                clips.append(Clip(recording.path, row.text, recording.seconds, row.line))
                kept_by_path[recording.path] = kept_by_sound[recording.sound] = row
        problems += [Problem(row.line, fault, left_out=True) for fault in faults]

    recordings = [recording for recording in heard.values() if isinstance(recording, _Recording)]
    return Findings(
        folder=folder,
        clips=tuple(clips),
        problems=tuple(sorted(problems, key=lambda problem: problem.line)),
        num_lines=len(manifest.rows) + len(manifest.problems),
        seconds=sum(recording.seconds for recording in recordings),
        num_too_long=sum(recording.seconds > max_seconds for recording in recordings),
        max_seconds=max_seconds,
    )


def peak_db(wav_T: Wav) -> float:
    """Measure the loudest point in dB below full scale, a constant offset not counted; -120 for digital silence."""
    return float(20 * np.log10(max(float(np.ptp(wav_T)) / 2, 1e-6)))


def _hear_all(
    folder: Path, paths: list[Path], max_seconds: float, progress: Callable[[int, int], None] | None
) -> dict[Path, _Recording | AudioError]:
    heard: dict[Path, _Recording | AudioError] = {}
    with ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1)) as threads:
        recordings = threads.map(lambda path: _hear(path, folder, max_seconds), paths)
        for path, recording in zip(paths, recordings, strict=True):
            heard[path] = recording
            if progress:
                progress(len(heard), len(paths))
    return heard


def _hear(path: Path, folder: Path, max_seconds: float) -> _Recording | AudioError:
    shown = str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
    try:
        info = probe(path, where=shown)
        if info.seconds > max_seconds:
            return _Recording(path, shown, info.seconds)
        wav_T, sample_rate = decode(path, where=shown)
    except AudioError as error:
        return error
    return _Recording(
        path,
        shown,
        seconds=len(wav_T) / sample_rate,
        peak_db=peak_db(wav_T),
        clipped_share=float(np.mean(np.abs(wav_T) >= FULL_SCALE)),
        sound=hashlib.sha256(wav_T.tobytes()).digest(),
    )


def _not_found(row: Row) -> AudioError:
    return AudioError(
        _("{audio}: not found in wavs/ or beside metadata.csv as wav, flac, ogg or mp3. Copy it there.").format(
            audio=row.audio
        )
    )


def _text_faults(row: Row, text_problems: TextProblems | None) -> Iterator[str]:
    if not row.text:
        yield _("{audio}: has no text; expected what is said in it. Write it.").format(audio=row.audio)
    elif text_problems:
        for phrase in text_problems(row.text):
            yield _("{audio}: its text cannot be learned; {phrase}. Change it.").format(audio=row.audio, phrase=phrase)


def _sound_faults(recording: _Recording, min_seconds: float, max_seconds: float, model_name: str) -> Iterator[str]:
    if recording.seconds > max_seconds:
        yield _(
            "{audio} lasts {seconds} s; {model} trains on clips up to {limit} s. "
            "Split it, or raise data.max_clip_seconds."
        ).format(audio=recording.shown, seconds=_plain(recording.seconds), model=model_name, limit=_plain(max_seconds))
    if recording.seconds < min_seconds:
        yield _("{audio} lasts {seconds} s; {model} trains on clips from {limit} s. Join it to the next one.").format(
            audio=recording.shown, seconds=_plain(recording.seconds), model=model_name, limit=_plain(min_seconds)
        )
    if recording.peak_db < SILENT_DB:
        yield _(
            "{audio} is silent, {peak:.0f} dB at its loudest; speech is above {limit:.0f} dB. Record it again."
        ).format(audio=recording.shown, peak=recording.peak_db, limit=SILENT_DB)


def _repetitions(row: Row, recording: _Recording, same_path: Row | None, same_sound: Row | None) -> Iterator[str]:
    if same_path and same_path.text == row.text:
        yield _("repeats line {other}. Remove one of the two.").format(other=same_path.line)
    elif same_path:
        yield _("{audio} has another text on line {other}; expected one line a clip. Remove the wrong one.").format(
            audio=recording.shown, other=same_path.line
        )
    elif same_sound:
        yield _("{audio} is the same sound as {name} on line {other}. Remove one of the two.").format(
            audio=recording.shown, name=same_sound.audio, other=same_sound.line
        )


def _clipped(recording: _Recording) -> str:
    return _(
        "{audio} is clipped, {share:.1%} of it; expected at most {limit:.1%}. Record it again at a lower level."
    ).format(audio=recording.shown, share=recording.clipped_share, limit=CLIPPED_SHARE)


def _plain(seconds: float) -> str:
    return f"{round(seconds, 2):g}"

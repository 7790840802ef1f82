"""A recording of a voice with what it says, made fit to speak after.

Shapes: T wav frames, S slices of 10 ms.
"""

import re
from dataclasses import dataclass

import torch
from torch import Tensor

from escuta.audio.mel import VOCOS, vocos_mel
from escuta.errors import AudioError, TextError
from escuta.messages import _
from escuta.models.base import Reference
from escuta.models.f5.pace import (
    SLICE_SECONDS,
    is_believed,
    is_loud,
    pauses,
    seconds_per_unit,
    spoken_seconds,
    units,
)
from escuta.models.f5.vocabulary import Vocabulary

# Source of these: f5-tts 1.1.22, infer/utils_infer.py preprocess_ref_audio_text and infer_batch_process.
LOUDNESS = 0.1
"""Root mean square that a quieter recording is brought to."""
MAX_SECONDS = 12.0
LEAST_SECONDS = 6.0
"""What is kept at least of a recording that is longer than `MAX_SECONDS`."""
MARGIN_SECONDS = 0.05
"""Of silence kept around speech."""

CLAUSE_TOLERANCE = 0.05
"""How far apart pause and clause may be, as a share of the whole, to be taken for the same."""
MIN_PAUSE_SECONDS = 0.1
SILENT_RMS = 1e-4  # -80 dB: less than the noise of any room
_ENDS = re.compile(r"[.!?…,;:。！？，；：]+[\"'”’)»]*(?=\s|$)|(?<=[。！？，；：])")
_LAST = set(".!?…。！？")


@dataclass(frozen=True, slots=True)
class Recording:
    """What the model hears, and what is said in it."""

    wav_T: Tensor
    text: str
    """Ends as a sentence does, with a space after it."""
    gain: float
    """What it was multiplied by to be loud enough."""
    given_seconds: float
    """Before anything was cut away."""
    is_cut: bool
    """Whether speech was cut away, with its words."""


def prepare(wav_T: Tensor, text: str | None, sample_rate: int) -> Recording:
    """Make a recording loud enough, without silence around it, and at most `MAX_SECONDS` long.

    Raises:
        TextError: What it says is not given.
        AudioError: It is silent.
    """
    text = " ".join((text or "").split())
    if not units(text):
        raise TextError(
            _(
                "reference: what it says is not known, and F5-TTS needs it; expected its text. "
                "Give --reference-text, for a training --set sampling.reference_text=..., or a clip of the dataset."
            )
        )
    loudness = float(wav_T.square().mean().sqrt())
    gain = max(1.0, LOUDNESS / max(loudness, SILENT_RMS))
    given_seconds = len(wav_T) / sample_rate
    loud_S = is_loud(gain * wav_T, sample_rate)
    if loudness < SILENT_RMS or not loud_S.any():
        raise AudioError(_("reference: silent; expected a voice to clone. Choose another one."))
    places = loud_S.nonzero()[:, 0]
    first, last = int(places[0]), int(places[-1]) + 1
    is_cut = (last - first) * SLICE_SECONDS > MAX_SECONDS
    if is_cut:
        last, text = _cut(loud_S, first, text)
    margin = MARGIN_SECONDS / SLICE_SECONDS
    points = round(SLICE_SECONDS * sample_rate)
    start, end = max(0, round(first - margin)) * points, round(last + margin) * points
    return Recording(gain * wav_T[start:end], _ended(text), gain, given_seconds, is_cut)


def _cut(loud_S: Tensor, first: int, text: str) -> tuple[int, str]:
    """Choose a pause to end at, and the end of a clause or a word that lies there in the text.

    Returns:
        The slice after the last that is kept, and the text up to there.
    """
    places = loud_S.nonzero()[:, 0]
    num_loud = len(places)
    low, high = (first + round(seconds / SLICE_SECONDS) for seconds in (LEAST_SECONDS, MAX_SECONDS))
    found = [start for start, end in pauses(loud_S) if (end - start) * SLICE_SECONDS >= MIN_PAUSE_SECONDS]
    cuts = [start for start in found if low <= start <= high] or [high]
    ends = [end.end() for end in _ENDS.finditer(text) if end.end() < len(text)]
    words = [space.start() for space in re.finditer(r"\s", text)]
    total = units(text)

    def mismatch(cut: int, end: int) -> float:
        return abs(int((places < cut).sum()) / num_loud - units(text[:end]) / total)

    near = [(-cut, end) for cut in cuts for end in ends if mismatch(cut, end) <= CLAUSE_TOLERANCE]
    if near:
        negative_cut, end = min(near)
        return -negative_cut, text[:end]
    _least, cut, end = min((mismatch(cut, end), cut, end) for cut in cuts for end in words or [len(text)])
    return cut, text[:end]


def _ended(text: str) -> str:
    return f"{text} " if text[-1] in _LAST else f"{text.rstrip(',;:，；：—–- ')}. "


def heard(wav_T: Tensor, text: str | None, vocabulary: Vocabulary) -> Reference:
    """Compute all that speaking after a recording needs.

    Returns:
        `mel` [M, F], `text` [N], `gain` and `pace` (seconds a unit of text); for notes `given_seconds`,
        `heard_seconds`, `is_cut` and `is_doubtful`.

    Raises:
        TextError: What it says is not given, or nothing of it is known to the model.
        AudioError: It is silent.
    """
    recording = prepare(wav_T, text, VOCOS.sample_rate)
    spoken = spoken_seconds(recording.wav_T, VOCOS.sample_rate)
    pace = seconds_per_unit(spoken, recording.text)
    return {
        "mel": vocos_mel(recording.wav_T[None])[0].T.contiguous(),
        "text": torch.tensor(vocabulary.encode(recording.text).ids),
        "gain": torch.tensor(recording.gain),
        "pace": torch.tensor(pace),
        "given_seconds": torch.tensor(recording.given_seconds),
        "heard_seconds": torch.tensor(len(recording.wav_T) / VOCOS.sample_rate),
        "is_cut": torch.tensor(recording.is_cut),
        "is_doubtful": torch.tensor(not is_believed(spoken, recording.text)),
    }


def notes_on(reference: Reference) -> list[str]:
    """What was done to a recording, and what is strange about it, as phrases for people."""
    notes = []
    if reference["is_cut"]:
        notes.append(
            _("the reference lasts {given:.1f} s; its first {heard:.1f} s, up to a pause, were listened to").format(
                given=float(reference["given_seconds"]), heard=float(reference["heard_seconds"])
            )
        )
    if reference["is_doubtful"]:
        notes.append(_("the text of the reference is too long or too short for it: is it what the recording says?"))
    return notes

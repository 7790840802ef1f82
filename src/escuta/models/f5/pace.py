"""How long a text takes, told from how long another took the same voice.

Shapes: T wav frames, S slices of 10 ms.
"""

import re
import unicodedata

import torch
from torch import Tensor

SLICE_SECONDS = 0.01
SILENT_DB = -40.0
"""Below full scale, of a recording as loud as `reference.LOUDNESS`. Source: f5-tts 1.1.22, infer/utils_infer.py."""
LONGEST_PAUSE_SECONDS = 0.5
"""What a longer pause counts for: it is a hesitation, not a way of speaking."""
UNITS_PER_SECOND = (6.0, 30.0)
"""Slowest and fastest speech that is believed; beyond it the text is not what the recording says."""
EDGE_SECONDS = 0.2
"""Before and after what is said, whatever its length: a short word takes longer than its letters."""
LEAST_UNITS = 5.0
"""Nobody says "Hi" faster."""

_WEIGHTS = {"letter": 1.0, "kana": 2.0, "syllable": 3.0, "digit": 3.5, "clause": 2.5, "sentence": 5.0}
"""Units of one character. A Latin letter is 1; a digit is read as a word, a pause lasts as long as a few letters."""
_SENTENCE_ENDS = set(".!?…。！？।")
_CLAUSE_ENDS = set(",;:—–，、；：")
_PAUSES = re.compile(r"[.!?…。！？।,;:—–，、；：\s\"'”’)»]+$")


def units(text: str) -> float:
    """How much there is to say in `text`; what it ends with is not counted."""
    return sum(_weight(text, place) for place in range(len(_PAUSES.sub("", text))))


def seconds_per_unit(spoken_seconds: float, text: str) -> float:
    """How long one unit took who spoke `text`; kept within what is believed."""
    slowest, fastest = (1 / one for one in UNITS_PER_SECOND)
    return min(max((spoken_seconds - EDGE_SECONDS) / max(units(text), 1.0), fastest), slowest)


def is_believed(spoken_seconds: float, text: str) -> bool:
    """Whether anybody says `text` in that time."""
    slowest, fastest = UNITS_PER_SECOND
    return slowest <= units(text) / max(spoken_seconds, SLICE_SECONDS) <= fastest


def seconds_of(text: str, pace: float) -> float:
    """How long `text` takes at a pace, in seconds a unit."""
    return EDGE_SECONDS + pace * max(units(text), LEAST_UNITS)


def spoken_seconds(wav_T: Tensor, sample_rate: int) -> float:
    """How long a recording is spoken in: without silence around it, and without what is too long in its pauses."""
    loud_S = is_loud(wav_T, sample_rate)
    places = loud_S.nonzero()[:, 0]
    if len(places) == 0:
        return 0.0
    hesitation = sum(max(0.0, (end - start) * SLICE_SECONDS - LONGEST_PAUSE_SECONDS) for start, end in pauses(loud_S))
    return float(places[-1] + 1 - places[0]) * SLICE_SECONDS - hesitation


def is_loud(wav_T: Tensor, sample_rate: int) -> Tensor:
    """Whether each slice is louder than silence."""
    points = round(SLICE_SECONDS * sample_rate)
    slices_SP = wav_T[: len(wav_T) // points * points].view(-1, points)
    loud_S: Tensor = slices_SP.square().mean(1) > 10 ** (SILENT_DB / 10)
    return loud_S


def pauses(loud_S: Tensor) -> list[tuple[int, int]]:
    """Where a recording is silent between what is loud: the first slice and the one past the last, of each pause."""
    places = loud_S.nonzero()[:, 0]
    follows = torch.diff(places) > 1
    return list(zip((places[:-1][follows] + 1).tolist(), places[1:][follows].tolist(), strict=True))


def _weight(text: str, place: int) -> float:
    character = text[place]
    if character.isdecimal():
        return _WEIGHTS["digit"]
    if character in _SENTENCE_ENDS | _CLAUSE_ENDS:
        inside_a_number = text[place - 1 : place].isdecimal() and text[place + 1 : place + 2].isdecimal()
        repeated = text[place + 1 : place + 2] == character
        if inside_a_number or repeated:
            return 0.0
        return _WEIGHTS["sentence" if character in _SENTENCE_ENDS else "clause"]
    if "\u3040" <= character <= "\u30ff":
        return _WEIGHTS["kana"]
    if "\u3400" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7a3":
        return _WEIGHTS["syllable"]
    return _WEIGHTS["letter"] if unicodedata.category(character)[0] == "L" else 0.0

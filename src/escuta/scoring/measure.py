"""All scores of one recording."""

from dataclasses import dataclass

from escuta.scoring.catalogue import SCORES
from escuta.scoring.character_errors import character_error_rate
from escuta.scoring.clipping import clipped_share
from escuta.scoring.instruments import Instruments
from escuta.scoring.loudness import loudness
from escuta.scoring.plain_text import plain
from escuta.scoring.profile import Profile
from escuta.scoring.rate import speaking_rate
from escuta.scoring.recording import Recording
from escuta.scoring.repetition import repeated_seconds
from escuta.scoring.voice import similarity

DIGITS = 4


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of it."""

    scores: dict[str, float]
    """By name; what cannot be measured of this recording is left out."""
    heard: str | None
    """By the recogniser; None where there is none."""


def measure(
    recording: Recording,
    text: str,
    language: str,
    *,
    instruments: Instruments,
    profile: Profile,
    ended: bool | None = None,
) -> Measured:
    """Measure all that can be measured here.

    Args:
        recording: What was said.
        text: What was to be said.
        language: Of the text.
        instruments: What is at hand.
        profile: Of the voice that it should be.
        ended: Whether the model ended by itself; None where nobody knows, or nobody spoke.
    """
    heard = instruments.recogniser.hear(recording.at_16k_T, language) if instruments.recogniser else None
    found: dict[str, float | None] = {
        "character_error_rate": None if heard is None else _errors(text, heard, language),
        "speaker_similarity": _similarity(recording, instruments, profile),
        "naturalness": _naturalness(recording, instruments),
        "ended": None if ended is None else float(ended),
        "repetition": repeated_seconds(recording.at_16k_T),
        **_rates(recording, text, language, profile),
        "leading_silence_seconds": recording.silences.leading,
        "inner_silence_seconds": recording.silences.inner,
        "trailing_silence_seconds": recording.silences.trailing,
        "clipping": clipped_share(recording.wav_T),
        "loudness": loudness(recording.wav_T, recording.sample_rate),
        **_pitch(recording, instruments),
    }
    assert found.keys() == SCORES.keys()
    return Measured({name: round(value, DIGITS) for name, value in found.items() if value is not None}, heard)


def _errors(text: str, heard: str, language: str) -> float | None:
    return character_error_rate(text, heard, language) if plain(text, language) else None


def _similarity(recording: Recording, instruments: Instruments, profile: Profile) -> float | None:
    if instruments.voice_encoder is None or profile.voice_D is None:
        return None
    voice_D = instruments.voice_encoder.embed(recording.at_16k_T)
    return None if voice_D is None else similarity(voice_D, profile.voice_D)


def _naturalness(recording: Recording, instruments: Instruments) -> float | None:
    has_sound = recording.speech_seconds > 0
    judge = instruments.naturalness_judge
    return judge.judge(recording.at_16k_T) if judge and has_sound else None


def _rates(recording: Recording, text: str, language: str, profile: Profile) -> dict[str, float | None]:
    rate = speaking_rate(text, language, recording.speech_seconds)
    distance = profile.rate.distance(rate) if rate is not None and profile.rate else None
    return {"speaking_rate": rate, "speaking_rate_deviation": distance}


def _pitch(recording: Recording, instruments: Instruments) -> dict[str, float | None]:
    pitch = instruments.pitch_meter.measure(recording.at_16k_T) if instruments.pitch_meter else None
    return {
        "f0_median": pitch.median_hertz if pitch else None,
        "f0_range": pitch.range_semitones if pitch else None,
    }

"""Every score there is, in the order in which people read them."""

from escuta.messages import _
from escuta.scoring.base import Score

SCORES: dict[str, Score] = {
    score.name: score
    for score in (
        Score("character_error_rate", "", 0.0, None, "lower", "Whisper (arXiv:2212.04356), by faster-whisper"),
        Score("speaker_similarity", "", -1.0, 1.0, "higher", "GE2E (arXiv:1710.10467), weights of Resemblyzer"),
        Score("naturalness", "MOS", 1.0, 5.0, "higher", "DistillMOS (arXiv:2502.05356)"),
        Score("ended", "", 0.0, 1.0, "higher", "the model's own stop"),
        Score("repetition", "s", 0.0, None, "lower", "likeness of a recording to itself, scoring/repetition.py"),
        Score("speaking_rate", "characters/s", 0.0, None, None, "letters over the seconds between the outer silences"),
        Score("speaking_rate_deviation", "standard deviations", 0.0, None, "lower", "against the clips learned from"),
        Score("leading_silence_seconds", "s", 0.0, None, "lower", "scoring/silence.py"),
        Score("inner_silence_seconds", "s", 0.0, None, "lower", "scoring/silence.py"),
        Score("trailing_silence_seconds", "s", 0.0, None, "lower", "scoring/silence.py"),
        Score("clipping", "", 0.0, 1.0, "lower", "share of points at full scale"),
        Score("loudness", "LUFS", None, None, None, "ITU-R BS.1770-5"),
        Score("f0_median", "Hz", 0.0, None, None, "SwiftF0 (arXiv:2508.18440)"),
        Score("f0_range", "semitones", 0.0, None, None, "SwiftF0 (arXiv:2508.18440)"),
    )
}


def title(name: str) -> str:
    """What people call a score.

    Raises:
        KeyError: There is none of this name.
    """
    return {
        "character_error_rate": _("Character error rate"),
        "speaker_similarity": _("Speaker similarity"),
        "naturalness": _("Naturalness"),
        "ended": _("Ended by itself"),
        "repetition": _("Repetition"),
        "speaking_rate": _("Speaking rate"),
        "speaking_rate_deviation": _("Deviation of the speaking rate"),
        "leading_silence_seconds": _("Silence before"),
        "inner_silence_seconds": _("Longest silence within"),
        "trailing_silence_seconds": _("Silence after"),
        "clipping": _("Clipping"),
        "loudness": _("Loudness"),
        "f0_median": _("Pitch, median"),
        "f0_range": _("Pitch, range"),
    }[name]

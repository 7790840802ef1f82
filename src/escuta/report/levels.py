"""Two samples equally loud, so that nobody prefers one for being louder.

Shapes: T wav frames.
"""

from io import BytesIO
from pathlib import Path

import soundfile

from escuta.audio.files import decode


def matched_wavs(first: Path, second: Path) -> tuple[bytes, bytes]:
    """Read two audio files; return them as 16-bit wav files, the louder one turned down to the other.

    Nothing is turned up, so nothing clips. What is too silent or too short to have a loudness stays as it is.

    Raises:
        AudioError: One cannot be read, is cut off, or holds no sound.
    """
    from escuta.scoring.loudness import loudness  # torch, which takes seconds

    sounds = [decode(path) for path in (first, second)]
    levels = [loudness(wav_T, sample_rate) for wav_T, sample_rate in sounds]
    least = min((level for level in levels if level is not None), default=None)
    wavs = []
    for (wav_T, sample_rate), level in zip(sounds, levels, strict=True):
        turned_down = 1.0 if level is None or least is None else 10 ** ((least - level) / 20)
        wav = BytesIO()
        soundfile.write(wav, wav_T * turned_down, sample_rate, subtype="PCM_16", format="WAV")
        wavs.append(wav.getvalue())
    return wavs[0], wavs[1]

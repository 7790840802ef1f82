"""Audio files in and out: any rate and any number of channels in, 16-bit mono out.

Shapes: T wav frames, C channels.
"""

import os
import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from escuta.errors import AudioError
from escuta.messages import _
from escuta.run.publish import publishing

Wav: TypeAlias = NDArray[np.float32]
"""Mono float audio in [-1, 1], shape [T]."""

EXTENSIONS = (".wav", ".flac", ".ogg", ".mp3")
MAX_INT16 = 32767
NOT_AUDIO = (1, 7)  # codes of libsndfile for content, and for an mp3's content, that it does not recognise

UNKNOWN_BYTES = 0x7FFFF000  # sox writes this length, and ffmpeg a larger one, into a wav whose end is not known yet
SLOPPY_BYTES = 64  # a writer that counts its own header promises 44 bytes too many; nobody hears a millisecond
OGG_PAGE_BYTES = 65_307  # the longest page, RFC 3533
OGG_HEADER_BYTES = 27
OGG_LAST_PAGE = 0x04
MP3_SLACK_SECONDS = 0.1  # an mp3 holds whole frames of up to 72 ms, and its header may count one more


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What the header of an audio file says."""

    seconds: float
    sample_rate: int
    channels: int


def probe(path: Path, *, where: str | None = None) -> AudioInfo:
    """Read the header of an audio file, and see that the file does not end before it should.

    Args:
        path: A wav, flac, ogg or mp3 file.
        where: What messages call the file; its path when None.

    Raises:
        AudioError: The file cannot be read, is cut off, or holds no sound.
    """
    where = where or str(path)
    _refuse_damage(path, where)
    try:
        header = soundfile.info(path)
    except soundfile.LibsndfileError as error:
        raise _unreadable(where, error) from error
    if header.frames == 0:
        raise _holds_nothing(where)
    return AudioInfo(header.frames / header.samplerate, header.samplerate, header.channels)


def decode(path: Path, *, where: str | None = None) -> tuple[Wav, int]:
    """Read a whole audio file as mono at its own rate; several channels are averaged.

    Samples are as the file has them: an mp3 or a float wav may go a little beyond [-1, 1].

    Args:
        path: A wav, flac, ogg or mp3 file.
        where: What messages call the file; its path when None.

    Returns:
        The samples and their rate.

    Raises:
        AudioError: The file cannot be read, is cut off, or holds no sound.
    """
    where = where or str(path)
    _refuse_damage(path, where)
    try:
        with soundfile.SoundFile(path) as file:
            promised_frames, sample_rate = file.frames, file.samplerate
            wav_TC = file.read(dtype="float32", always_2d=True)  # in one go: between blocks soundfile seeks, mp3s click
    except soundfile.LibsndfileError as error:
        raise _unreadable(where, error) from error
    except MemoryError as error:
        raise _damaged(where, _("its header promises more than memory holds")) from error
    if promised_frames - len(wav_TC) > MP3_SLACK_SECONDS * sample_rate:
        raise _cut_off(where)
    if len(wav_TC) == 0:
        raise _holds_nothing(where)
    if not np.isfinite(wav_TC).all():
        raise AudioError(
            _("{where}: holds values that are not numbers; expected samples from -1 to 1. Export it again.").format(
                where=where
            )
        )
    return (wav_TC[:, 0] if wav_TC.shape[1] == 1 else wav_TC.mean(axis=1)), sample_rate


def read_audio(path: Path, sample_rate: int, *, where: str | None = None) -> Wav:
    """Read a whole audio file as mono float audio in [-1, 1] at `sample_rate`.

    Args:
        path: A wav, flac, ogg or mp3 file, of any rate.
        sample_rate: Of the result, in Hz.
        where: What messages call the file; its path when None.

    Raises:
        AudioError: The file cannot be read, is cut off, or holds no sound.
    """
    wav_T, file_rate = decode(path, where=where)
    return np.clip(resample(wav_T, file_rate, sample_rate), -1, 1)


def resample(wav_T: Wav, from_rate: int, to_rate: int) -> Wav:
    """Change the sample rate and keep pitch and duration; the same array when the rates are the same."""
    if from_rate == to_rate:
        return wav_T
    resampled_T: Wav = soxr.resample(wav_T, from_rate, to_rate, quality="HQ")
    return resampled_T


def write_wav(path: Path, wav_T: Wav, sample_rate: int, source_rate: int) -> None:
    """Write a 16-bit mono wav, whole or not at all.

    Args:
        path: The file; what was there is replaced.
        wav_T: Float audio, shape [T]; what goes beyond [-1, 1] is clipped.
        sample_rate: Of the file, in Hz.
        source_rate: Of `wav_T`, in Hz.

    Raises:
        AudioError: `wav_T` holds values that are not numbers.
        OSError: The folder cannot be written, or the disk is full.
    """
    if wav_T.ndim != 1:
        raise ValueError(f"wav_T has shape {wav_T.shape}; expected [T]")
    if not np.isfinite(wav_T).all():
        raise AudioError(
            _("{path}: the audio to write holds values that are not numbers; nothing was written.").format(path=path)
        )
    samples_T = np.clip(resample(wav_T, source_rate, sample_rate), -1, 1)
    wav = BytesIO()
    soundfile.write(wav, np.rint(samples_T * MAX_INT16).astype(np.int16), sample_rate, subtype="PCM_16", format="WAV")
    with publishing(path) as partial:
        partial.write_bytes(wav.getvalue())  # libsndfile itself does not tell why a write failed


def _refuse_damage(path: Path, where: str) -> None:
    """Refuse what libsndfile would misreport, or read without a word."""
    try:
        with path.open("rb") as file:
            num_bytes = file.seek(0, os.SEEK_END)
            is_cut_off = _ends_early(file, num_bytes)
    except OSError as error:
        raise AudioError(
            _("{where}: cannot be opened; {reason}. Check its name and who may read it.").format(
                where=where, reason=error.strerror
            )
        ) from error
    if num_bytes == 0:
        raise AudioError(
            _("{where}: an empty file; expected audio. Copy it again, or record it again.").format(where=where)
        )
    if path.suffix.lower() == ".raw":
        raise _not_audio(where)  # soundfile goes by this ending alone, and then asks for the rate
    if is_cut_off:
        raise _cut_off(where)


def _ends_early(file: BinaryIO, num_bytes: int) -> bool:
    """Whether a wav or ogg file ends before its own structure does; flac and mp3 show it while they are decoded."""
    file.seek(0)
    start = file.read(12)
    if start[:4] == b"OggS":
        return _ogg_ends_early(file, num_bytes)
    if start[:4] != b"RIFF" or start[8:] != b"WAVE":
        return False
    while len(chunk := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", chunk)
        if name == b"data":
            return bool(length < UNKNOWN_BYTES and file.tell() + length > num_bytes + SLOPPY_BYTES)
        file.seek(length + length % 2, os.SEEK_CUR)
    return False


def _ogg_ends_early(file: BinaryIO, num_bytes: int) -> bool:
    file.seek(max(0, num_bytes - OGG_PAGE_BYTES))
    tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < OGG_HEADER_BYTES or not page[5] & OGG_LAST_PAGE:
        return True
    num_segments = page[26]
    body_bytes = sum(page[OGG_HEADER_BYTES : OGG_HEADER_BYTES + num_segments])
    return len(page) < OGG_HEADER_BYTES + num_segments + body_bytes


def _not_audio(where: str) -> AudioError:
    return AudioError(_("{where}: not a wav, flac, ogg or mp3 file. Convert it, or copy it again.").format(where=where))


def _unreadable(where: str, error: soundfile.LibsndfileError) -> AudioError:
    if error.code in NOT_AUDIO:
        return _not_audio(where)
    return _damaged(where, error.error_string.removeprefix("Error : ").rstrip("."))


def _damaged(where: str, reason: str) -> AudioError:
    return AudioError(
        _("{where}: damaged or cut off ({reason}). Copy it again, or record it again.").format(
            where=where, reason=reason
        )
    )


def _cut_off(where: str) -> AudioError:
    return AudioError(
        _("{where}: cut off; the end of the file is missing. Copy it again, or record it again.").format(where=where)
    )


def _holds_nothing(where: str) -> AudioError:
    return AudioError(_("{where}: holds no sound; expected speech. Record it again.").format(where=where))

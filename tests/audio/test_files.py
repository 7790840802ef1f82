import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from escuta.audio.files import AudioInfo, decode, probe, read_audio, resample, write_wav
from escuta.errors import AudioError
from small_disk import run_on_small_disk
from sounds import noise, silence, speechlike, tone


def pitch_hertz(wav_T: np.ndarray, sample_rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(wav_T * np.hanning(len(wav_T))))
    return float(np.argmax(spectrum) * sample_rate / len(wav_T))


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def refusal(path: Path, read=decode) -> str:
    with pytest.raises(AudioError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("file_rate", [8000, 16000, 44100, 48000])
def test_any_format_and_rate_is_read_at_the_rate_asked_for(tmp_path, ending, file_rate):
    path = tmp_path / f"tone.{ending}"
    soundfile.write(path, tone(2, file_rate, hertz=440, level=0.5), file_rate)

    wav_T = read_audio(path, 24000)

    assert wav_T.dtype == np.float32
    assert wav_T.shape == (48000,)
    assert pitch_hertz(wav_T, 24000) == pytest.approx(440, abs=1)
    assert np.abs(wav_T[12000:36000]).max() == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_any_kind_of_wav_is_read(tmp_path, subtype):
    wav_T = tone(0.5, 22050, level=0.5)
    soundfile.write(tmp_path / "tone.wav", wav_T, 22050, subtype=subtype)
    np.testing.assert_allclose(read_audio(tmp_path / "tone.wav", 22050), wav_T, atol=0.02)


def test_channels_are_averaged(tmp_path):
    left_T, right_T = tone(1, 24000, hertz=300), tone(1, 24000, hertz=700)
    soundfile.write(tmp_path / "both.wav", np.stack([left_T, right_T], axis=1), 24000, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "both.wav", 24000), (left_T + right_T) / 2, atol=1e-6)


def test_what_goes_beyond_full_scale_is_clipped(tmp_path):
    soundfile.write(tmp_path / "loud.wav", tone(1, 24000, level=1.5), 24000, subtype="FLOAT")
    assert np.abs(read_audio(tmp_path / "loud.wav", 24000)).max() == 1
    assert np.abs(decode(tmp_path / "loud.wav")[0]).max() > 1.4


def test_decoding_keeps_the_rate_of_the_file(tmp_path):
    soundfile.write(tmp_path / "tone.flac", tone(0.25, 44100), 44100)
    wav_T, sample_rate = decode(tmp_path / "tone.flac")
    assert (wav_T.shape, sample_rate) == ((11025,), 44100)


def test_probing_tells_duration_rate_and_channels(tmp_path):
    soundfile.write(tmp_path / "both.ogg", np.stack([noise(1.5, 48000)] * 2, axis=1), 48000)
    assert probe(tmp_path / "both.ogg") == AudioInfo(seconds=1.5, sample_rate=48000, channels=2)


def test_resampling_keeps_duration_and_pitch():
    resampled_T = resample(tone(1, 24000, hertz=1000), 24000, 22050)
    assert resampled_T.shape == (22050,)
    assert pitch_hertz(resampled_T, 22050) == pytest.approx(1000, abs=1)


def test_resampling_folds_no_high_tone_down():
    assert np.abs(resample(tone(1, 48000, hertz=15000), 48000, 16000)[500:-500]).max() < 1e-3


def test_resampling_to_the_same_rate_changes_nothing():
    wav_T = noise(0.1)
    assert resample(wav_T, 22050, 22050) is wav_T


def test_a_written_wav_is_16_bit_mono_of_the_rate_asked_for(tmp_path):
    write_wav(tmp_path / "new" / "sample.wav", tone(2, 24000, hertz=500), sample_rate=22050, source_rate=24000)

    info = soundfile.info(tmp_path / "new" / "sample.wav")
    assert (info.format, info.subtype, info.channels, info.samplerate) == ("WAV", "PCM_16", 1, 22050)
    assert info.frames == 44100
    assert pitch_hertz(read_audio(tmp_path / "new" / "sample.wav", 22050), 22050) == pytest.approx(500, abs=1)


def test_a_written_wav_reads_back_as_it_was(tmp_path):
    wav_T = speechlike(0.5)
    write_wav(tmp_path / "sample.wav", wav_T, 22050, 22050)
    np.testing.assert_allclose(read_audio(tmp_path / "sample.wav", 22050), wav_T, atol=1e-4)


def test_writing_clips_and_does_not_wrap_around(tmp_path):
    write_wav(tmp_path / "loud.wav", np.float32([2, -2, 1, -1, 0]), 22050, 22050)
    samples_T, _rate = soundfile.read(tmp_path / "loud.wav", dtype="int16")
    assert samples_T.tolist() == [32767, -32767, 32767, -32767, 0]


def test_audio_that_is_not_numbers_is_not_written(tmp_path):
    path = tmp_path / "sample.wav"
    with pytest.raises(AudioError) as caught:
        write_wav(path, np.float32([0, np.nan]), 22050, 22050)
    assert str(caught.value) == f"{path}: the audio to write holds values that are not numbers; nothing was written."
    assert list(tmp_path.iterdir()) == []


def test_writing_two_channels_is_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match=r"shape \(2, 10\); expected \[T\]"):
        write_wav(tmp_path / "sample.wav", np.zeros((2, 10), np.float32), 22050, 22050)


def test_a_full_disk_is_told_and_leaves_the_old_file(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    program = """
import errno, pathlib, numpy
from escuta.audio.files import write_wav
disk = pathlib.Path({disk!r})
write_wav(disk / "sample.wav", numpy.zeros(1000, numpy.float32), 22050, 22050)
old = (disk / "sample.wav").read_bytes()
try:
    write_wav(disk / "sample.wav", numpy.zeros(100000, numpy.float32), 22050, 22050)
except OSError as error:
    assert error.errno == errno.ENOSPC
    assert (disk / "sample.wav").read_bytes() == old
    print([path.name for path in disk.iterdir()])
"""
    found = run_on_small_disk(disk, 65536, sys.executable, "-c", program.format(disk=str(disk)))

    assert (found.stdout, found.stderr) == ("['sample.wav']\n", "")


@pytest.mark.parametrize("read", [probe, decode, lambda path: read_audio(path, 24000)])
@pytest.mark.parametrize("ending", ["wav", "ogg"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_truncated_wav_or_ogg_is_refused_at_the_first_look(tmp_path, ending, share, read):
    path = tmp_path / f"cut.{ending}"
    soundfile.write(path, noise(8), 22050)
    assert refusal(cut(path, share), read) == (
        f"{path}: cut off; the end of the file is missing. Copy it again, or record it again."
    )


def test_a_truncated_mp3_is_refused(tmp_path):
    path = tmp_path / "cut.mp3"
    soundfile.write(path, noise(4), 22050)
    assert refusal(cut(path, 0.6)) == (
        f"{path}: cut off; the end of the file is missing. Copy it again, or record it again."
    )


def test_a_truncated_flac_is_refused(tmp_path):
    path = tmp_path / "cut.flac"
    soundfile.write(path, noise(4), 22050)
    assert refusal(cut(path, 0.6)) == (
        f"{path}: damaged or cut off (flac decoder lost sync). Copy it again, or record it again."
    )


def test_a_header_that_promises_more_than_memory_holds_is_refused(tmp_path):
    path = tmp_path / "absurd.flac"
    soundfile.write(path, noise(0.5), 22050)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F
    content[22:26] = b"\xff" * 4  # with the bits before, the number of samples: 275 GB of them
    path.write_bytes(content)
    assert refusal(path).startswith(f"{path}: damaged or cut off (")


def test_an_mp3_is_decoded_without_seams(tmp_path):
    path = tmp_path / "long.mp3"
    wav_T = tone(12, 24000, hertz=300)
    soundfile.write(path, wav_T, 24000)
    np.testing.assert_allclose(decode(path)[0][2400:-2400], wav_T[2400:-2400], atol=0.02)


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFF000])
def test_a_wav_that_was_streamed_and_never_learned_its_length_is_read(tmp_path, length):
    path = tmp_path / "streamed.wav"
    soundfile.write(path, noise(0.5), 22050)
    content = path.read_bytes()
    at = content.index(b"data") + 4
    path.write_bytes(content[:at] + length.to_bytes(4, "little") + content[at + 4 :])
    assert probe(path).seconds == 0.5
    assert decode(path)[0].shape == (11025,)


def test_a_chunk_before_the_sound_is_stepped_over(tmp_path):
    path = tmp_path / "tagged.wav"
    soundfile.write(path, noise(0.5), 22050)
    content = path.read_bytes()
    at = content.index(b"data")
    tag = b"LIST" + (5).to_bytes(4, "little") + b"title" + b"\0"
    path.write_bytes(content[:at] + tag + content[at:])
    assert decode(path)[0].shape == (11025,)
    assert "cut off" in refusal(cut(path, 0.9))


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3", "raw"])
def test_a_file_that_is_not_audio_is_refused(tmp_path, ending):
    path = tmp_path / f"page.{ending}"
    path.write_bytes(b"<html>not found</html>" * 50)
    expected = f"{path}: not a wav, flac, ogg or mp3 file. Convert it, or copy it again."
    assert refusal(path) == refusal(path, probe) == expected


def test_a_missing_file_is_refused(tmp_path):
    path = tmp_path / "gone.wav"
    expected = f"{path}: cannot be opened; No such file or directory. Check its name and who may read it."
    assert refusal(path) == refusal(path, probe) == expected


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.wav"
    path.touch()
    assert refusal(path) == f"{path}: an empty file; expected audio. Copy it again, or record it again."


def test_a_file_without_a_sample_is_refused(tmp_path):
    path = tmp_path / "nothing.wav"
    soundfile.write(path, silence(0), 22050)
    expected = f"{path}: holds no sound; expected speech. Record it again."
    assert refusal(path) == refusal(path, probe) == expected


def test_samples_that_are_not_numbers_are_refused(tmp_path):
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.float32([0, np.nan, np.inf]), 22050, subtype="FLOAT")
    assert refusal(path) == (
        f"{path}: holds values that are not numbers; expected samples from -1 to 1. Export it again."
    )


def test_messages_call_the_file_as_the_caller_does(tmp_path):
    for read in (probe, decode):
        assert refusal(tmp_path, lambda path, read=read: read(path, where="line 3")).startswith(
            "line 3: cannot be opened"
        )

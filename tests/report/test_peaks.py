import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from escuta.report.peaks import DIGITS, NUM_BANDS, NUM_COLUMNS, NUM_PEAKS, peaks_of, picture_of, spectrogram
from sounds import SAMPLE_RATE, noise, silence, speechlike, tone


def levels(peaks: str) -> list[float]:
    return [(DIGITS.index(digit) / 63) ** 2 for digit in peaks]


def points_of(image: bytes) -> NDArray[np.uint8]:
    """The tones of a PNG with four bits a point and rows that are not filtered."""
    width, height = struct.unpack(">II", image[16:24])
    found, at = b"", 8
    while at < len(image):
        (length,) = struct.unpack(">I", image[at : at + 4])
        name, content = image[at + 4 : at + 8], image[at + 8 : at + 8 + length]
        assert struct.unpack(">I", image[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + content)
        found += content if name == b"IDAT" else b""
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(found), np.uint8).reshape(height, 1 + width // 2)
    assert not rows[:, 0].any()
    return np.stack([rows[:, 1:] >> 4, rows[:, 1:] & 15], axis=2).reshape(height, width)


def save(path: Path, *parts: NDArray[np.float32]) -> Path:
    soundfile.write(path, np.concatenate(parts), SAMPLE_RATE, subtype="PCM_16")
    return path


def test_peaks_are_as_loud_as_the_sound() -> None:
    found = levels(peaks_of(np.concatenate([silence(1.0), tone(1.0, level=0.5), tone(1.0, level=0.05)])))
    assert len(found) == NUM_PEAKS
    assert found[:32] == [0.0] * 32
    assert found[40:60] == pytest.approx([0.5 / 2**0.5] * 20, abs=0.02)
    assert found[70:95] == pytest.approx([0.05 / 2**0.5] * 25, abs=0.01)


@pytest.mark.parametrize("points", [1, 7, 99, 101])
def test_sounds_of_a_few_points_have_peaks(points: int) -> None:
    assert len(peaks_of(np.full(points, 0.25, np.float32))) == NUM_PEAKS


@pytest.mark.parametrize("sample_rate", [16_000, 22_050, 24_000])
def test_a_tone_is_a_line_at_its_height(sample_rate: int) -> None:
    low = spectrogram(tone(1.0, sample_rate, hertz=300), sample_rate)
    high = spectrogram(tone(1.0, sample_rate, hertz=5000), sample_rate)
    assert low.shape == (NUM_BANDS, NUM_COLUMNS)
    heights = [int(np.median(one.argmax(axis=0))) for one in (low, high)]
    assert heights[0] > NUM_BANDS - 12  # rows count from above
    assert heights[1] < 12
    assert (high[NUM_BANDS // 2 :] <= 3).mean() > 0.99


def test_white_noise_fills_the_picture_and_silence_leaves_it_empty() -> None:
    assert (spectrogram(noise(1.0), SAMPLE_RATE) > 5).mean() > 0.95
    assert not spectrogram(silence(1.0), SAMPLE_RATE).any()


def test_no_band_is_left_without_a_frequency() -> None:
    assert (spectrogram(noise(1.0), SAMPLE_RATE).max(axis=1) > 8).all()


def test_the_picture_has_the_sounds_one_below_the_other(tmp_path: Path) -> None:
    sounds = [save(tmp_path / "a.wav", tone(1.0)), save(tmp_path / "b.wav", silence(0.5))]
    picture = picture_of(sounds, tmp_path / "pictures" / "epoch_1")
    assert (picture.file, picture.seconds) == ("epoch_1.png", 1.5)
    points = points_of((tmp_path / "pictures" / "epoch_1.png").read_bytes())
    assert points.shape == (2 * NUM_BANDS, NUM_COLUMNS)
    assert points[:NUM_BANDS].any()
    assert not points[NUM_BANDS:].any()
    assert {name: len(peaks) for name, peaks in picture.peaks.items()} == {"a.wav": NUM_PEAKS, "b.wav": NUM_PEAKS}


def test_a_picture_is_drawn_once_and_again_when_a_sound_has_changed(tmp_path: Path) -> None:
    sound, place = save(tmp_path / "a.wav", tone(1.0)), tmp_path / "epoch_1"
    first = picture_of([sound], place)
    drawn = place.with_suffix(".png").stat().st_mtime_ns
    assert picture_of([sound], place) == first
    assert place.with_suffix(".png").stat().st_mtime_ns == drawn
    save(sound, speechlike(2.0))
    assert picture_of([sound], place).peaks != first.peaks


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 99}'])
def test_damaged_notes_of_a_picture_are_made_anew(tmp_path: Path, content: bytes) -> None:
    sound, place = save(tmp_path / "a.wav", tone(1.0)), tmp_path / "epoch_1"
    first = picture_of([sound], place)
    place.with_suffix(".json").write_bytes(content)
    assert picture_of([sound], place) == first


def test_a_damaged_sound_has_no_peaks_and_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    picture = picture_of([tmp_path / "bad.wav", save(tmp_path / "a.wav", tone(1.0))], tmp_path / "epoch_1")
    assert picture.peaks["bad.wav"] == ""
    assert len(picture.peaks["a.wav"]) == NUM_PEAKS


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    assert picture_of([], tmp_path / "epoch_1").file == ""
    assert list(tmp_path.iterdir()) == []

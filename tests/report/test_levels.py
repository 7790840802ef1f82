from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile

from escuta.errors import AudioError
from escuta.report.levels import matched_wavs
from escuta.scoring.loudness import loudness
from sounds import SAMPLE_RATE, silence, speechlike


def write(path: Path, wav_T: np.ndarray) -> Path:
    soundfile.write(path, wav_T, SAMPLE_RATE, subtype="PCM_16")
    return path


def read(wav: bytes) -> tuple[np.ndarray, int]:
    return soundfile.read(BytesIO(wav), dtype="float32")


def test_the_louder_one_is_turned_down_to_the_other(tmp_path: Path) -> None:
    loud = write(tmp_path / "loud.wav", speechlike(1.5, seed=1))
    soft = write(tmp_path / "soft.wav", 0.2 * speechlike(1.5, seed=2))
    for pair in ((loud, soft), (soft, loud)):
        levels = [loudness(*read(wav)) for wav in matched_wavs(*pair)]
        assert levels[0] == pytest.approx(levels[1], abs=0.05)
        assert levels[0] == pytest.approx(loudness(*read(soft.read_bytes())), abs=0.05)


def test_the_softer_one_stays_as_it_is(tmp_path: Path) -> None:
    loud = write(tmp_path / "loud.wav", speechlike(1.5, seed=1))
    soft = write(tmp_path / "soft.wav", 0.2 * speechlike(1.5, seed=2))

    assert np.array_equal(read(matched_wavs(loud, soft)[1])[0], read(soft.read_bytes())[0])


def test_what_has_no_loudness_leaves_both_alone(tmp_path: Path) -> None:
    loud = write(tmp_path / "loud.wav", speechlike(1.5, seed=1))
    nothing = write(tmp_path / "nothing.wav", silence(1.5))
    first, second = matched_wavs(loud, nothing)

    assert np.array_equal(read(first)[0], read(loud.read_bytes())[0])
    assert not read(second)[0].any()


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    loud = write(tmp_path / "loud.wav", speechlike(1.5, seed=1))
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(AudioError, match="not a wav"):
        matched_wavs(loud, tmp_path / "text.wav")

import numpy as np
import pytest
import soundfile

from escuta.errors import AudioError
from escuta.scoring.recording import Recording
from sounds import silence, tone


def test_a_file_is_read_at_its_own_rate_and_heard_at_16_kilohertz(tmp_path):
    wav_T = np.concatenate([silence(0.5), tone(1.5), silence(0.25)])
    soundfile.write(tmp_path / "a.wav", wav_T, 22_050)

    recording = Recording.read(tmp_path / "a.wav")

    assert recording.sample_rate == 22_050
    assert recording.seconds == pytest.approx(2.25, abs=1e-3)
    assert recording.speech_seconds == pytest.approx(1.5, abs=0.02)
    assert len(recording.at_16k_T) == pytest.approx(2.25 * 16_000, abs=2)


def test_silence_has_no_seconds_of_speech():
    assert Recording(silence(2), 22_050).speech_seconds == 0


def test_a_file_that_is_no_audio_is_refused(tmp_path):
    (tmp_path / "a.wav").write_text("words")
    with pytest.raises(AudioError, match="not a wav"):
        Recording.read(tmp_path / "a.wav")

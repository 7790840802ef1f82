import numpy as np
import pytest

from escuta.scoring.pitch import PitchMeter
from sounds import noise, silence


def voice(hertz_T, rate=16_000):
    """A buzz that follows a pitch."""
    phase_T = 2 * np.pi * np.cumsum(hertz_T) / rate
    return (0.2 * sum(np.sin(n * phase_T) / n for n in range(1, 6))).astype(np.float32)


@pytest.fixture(scope="module")
def meter():
    return PitchMeter(threads=1)


@pytest.mark.parametrize("hertz", [90.0, 220.0])
def test_a_steady_voice_has_its_pitch_and_no_range(meter, hertz):
    pitch = meter.measure(voice(np.full(32_000, hertz)))

    assert pitch.median_hertz == pytest.approx(hertz, rel=0.02)
    assert pitch.range_semitones < 0.5


def test_an_octave_is_twelve_semitones(meter):
    pitch = meter.measure(voice(np.repeat([110.0, 220.0], 32_000)))

    assert pitch.range_semitones == pytest.approx(12, abs=0.5)


@pytest.mark.parametrize("wav_T", [silence(2, 16_000), noise(2, 16_000), voice(np.full(1_600, 110.0))])
def test_without_a_voice_there_is_none(meter, wav_T):
    assert meter.measure(wav_T) is None

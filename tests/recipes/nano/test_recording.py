import numpy as np
import pytest
from recipes.nano.recording import HIGHEST, PEAK, recorded

RATE = 24000


@pytest.fixture
def noise_T() -> np.ndarray:
    return (0.1 * np.random.default_rng(0).normal(size=RATE)).astype(np.float32)


def test_a_voice_is_always_recorded_with_the_same_microphone(noise_T: np.ndarray):
    assert np.array_equal(recorded(noise_T, RATE, "af_sky"), recorded(noise_T, RATE, "af_sky"))
    assert not np.allclose(recorded(noise_T, RATE, "af_sky"), recorded(noise_T, RATE, "am_puck"), atol=1e-3)


def test_a_recording_is_as_loud_as_the_studio(noise_T: np.ndarray):
    for name in ("af_sky", "am_puck", "pm_alex"):
        assert np.std(recorded(noise_T, RATE, name)) == pytest.approx(np.std(noise_T), rel=1e-3)
    assert np.abs(recorded(20 * noise_T, RATE, "af_sky")).max() <= PEAK + 1e-6


def test_what_is_above_the_line_does_not_pass(noise_T: np.ndarray):
    names = [f"voice {number}" for number in range(12)]
    powers = [np.abs(np.fft.rfft(recorded(noise_T, RATE, name))) ** 2 for name in names]
    shares = [power[HIGHEST[0] + 100 : HIGHEST[1] - 100].mean() / power[4000:7000].mean() for power in powers]
    shut = [share < 1e-3 for share in shares]
    assert any(shut)
    assert not all(shut)

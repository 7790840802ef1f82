import math

import pytest
import torch

from escuta.audio.mel import LOG_FLOOR, MelSpec, filters, window
from escuta.models.xtts.sound import RESOLUTIONS, sound_difference
from sounds import speechlike

RATE = 24000


@pytest.fixture(scope="module")
def speech_BT():
    return torch.from_numpy(speechlike(1.0, RATE))[None]


def test_a_sound_differs_from_itself_in_nothing(speech_BT):
    assert sound_difference(speech_BT, speech_BT, RATE, 11025) == 0


def test_it_is_the_mean_difference_of_spectrograms_that_an_fft_makes(speech_BT):
    said_BT = 0.5 * speech_BT.roll(100, 1) + 0.01 * torch.randn(speech_BT.shape, generator=torch.manual_seed(0))
    by_fft = []
    for size, num_bins in RESOLUTIONS:
        spec = MelSpec(RATE, size, size // 4, size, num_bins, 11025, equal_area=False)
        logs = []
        for wav_BT in (said_BT, speech_BT):
            spectrum = torch.stft(wav_BT, size, size // 4, window=window(spec), center=False, return_complex=True)
            logs.append((filters(spec).T @ spectrum.abs().square()).clamp(min=LOG_FLOOR).log())
        by_fft.append((logs[0] - logs[1]).abs().mean())

    (found,) = sound_difference(said_BT, speech_BT, RATE, 11025)

    assert found == pytest.approx(float(torch.stack(by_fft).mean()), rel=1e-3)


def test_ten_times_as_loud_is_two_logs_of_ten_away():
    noise_BT = torch.randn(1, RATE, generator=torch.manual_seed(0))
    assert float(sound_difference(noise_BT, 0.1 * noise_BT, RATE, 11025)) == pytest.approx(2 * math.log(10), rel=1e-3)


def test_each_sound_of_a_batch_has_a_number_of_its_own(speech_BT):
    said_BT = torch.cat([speech_BT, 0.5 * speech_BT])
    first, second = sound_difference(said_BT, speech_BT.expand(2, -1), RATE, 11025)
    assert first == 0 < second


def test_what_lies_above_the_clips_own_band_is_nobodys_fault():
    noise_BT = 0.1 * torch.randn(1, RATE, generator=torch.manual_seed(0))
    whistle_BT = 0.1 * torch.sin(2 * math.pi * 11800 / RATE * torch.arange(RATE))[None]
    below, all_of_it = (
        float(sound_difference(noise_BT + whistle_BT, noise_BT, RATE, max_hertz)) for max_hertz in (11025, 12000)
    )
    assert below < 0.1 * all_of_it


def test_no_fft_runs_whatever_the_arithmetic(speech_BT):
    def refuse(*_args, **_more):
        raise AssertionError("an FFT")

    with pytest.MonkeyPatch.context() as monkeypatch, torch.autocast("cpu", torch.bfloat16):
        monkeypatch.setattr(torch, "stft", refuse)
        for name in ("fft", "rfft", "irfft", "ifft"):
            monkeypatch.setattr(torch.fft, name, refuse)
        in_half = sound_difference((0.5 * speech_BT).bfloat16(), speech_BT, RATE, 11025)
    assert in_half.dtype == torch.float32
    torch.testing.assert_close(in_half, sound_difference(0.5 * speech_BT, speech_BT, RATE, 11025), rtol=0.02, atol=0)

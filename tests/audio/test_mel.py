import math

import pytest
import torch

from escuta.audio.mel import (
    CONDITIONING,
    DVAE,
    SPEAKER,
    MelSpec,
    conditioning_mel,
    dvae_mel,
    filters,
    power_mel,
    speaker_mel,
    speaker_mel_buffers,
)

ONES_F = torch.ones(80)


def sine(hertz, sample_rate, seconds=1.0):
    return torch.sin(2 * math.pi * hertz * torch.arange(int(seconds * sample_rate)) / sample_rate)[None]


@pytest.mark.parametrize(
    "compute", [lambda wav: conditioning_mel(wav, ONES_F), lambda wav: dvae_mel(wav, ONES_F), speaker_mel]
)
def test_audio_on_another_device_is_refused(compute):
    with pytest.raises(ValueError, match="audio lies on meta; spectrograms are computed on the CPU alone"):
        compute(torch.zeros(1, 22050, device="meta"))


def test_audio_shorter_than_half_a_window_is_refused():
    with pytest.raises(ValueError, match="audio has 1024 points; expected more than 1024"):
        conditioning_mel(torch.zeros(1, 1024), ONES_F)


def test_audio_without_a_batch_is_refused():
    with pytest.raises(ValueError, match=r"audio has shape \[22050\]; expected \[batch, points\]"):
        dvae_mel(torch.zeros(22050), ONES_F)


def test_a_frame_is_centred_on_every_hop():
    assert conditioning_mel(torch.zeros(2, 22050), ONES_F).shape == (2, 80, 22050 // 256 + 1)
    assert dvae_mel(torch.zeros(2, 22050), ONES_F).shape == (2, 80, 22050 // 256 + 1)
    assert speaker_mel(torch.zeros(2, 16000)).shape == (2, 64, 16000 // 160 + 1)


@pytest.mark.parametrize("spec", [CONDITIONING, DVAE, SPEAKER])
@pytest.mark.parametrize("hertz", [440, 3000])
def test_a_sine_is_loudest_in_the_bin_of_its_own_frequency(spec, hertz):
    mel_F = power_mel(sine(hertz, spec.sample_rate), spec)[0, :, 30]
    top_mel = 2595 * math.log10(1 + 8000 / 700)
    bin_of_sine = 2595 * math.log10(1 + hertz / 700) / top_mel * (spec.num_bins + 1) - 1
    assert abs(float(mel_F.argmax()) - bin_of_sine) <= 1


def test_on_slaneys_scale_bins_are_even_below_a_kilohertz_and_wider_above():
    spec = MelSpec(sample_rate=16000, num_fft=4000, hop=160, window=400, num_bins=40, max_hertz=8000, slaney_scale=True)
    peaks_hertz = filters(spec).argmax(dim=0) * 4.0
    steps = peaks_hertz.diff()
    # 15 mel up to 1 kHz and 27 for a factor of 6.4 are 45.25 mel up to 8 kHz: 41 steps of 1.1036 mel, 73.6 Hz each
    assert torch.allclose(steps[:12], torch.full((12,), 73.6), atol=4.1)
    assert peaks_hertz[-1] / peaks_hertz[-2] == pytest.approx(6.4 ** (1.1036 / 27), rel=0.002)


def test_silence_is_the_floor_of_the_logarithm_over_the_stats():
    stats_F = torch.full((80,), -4.0)
    silence = torch.zeros(1, 22050)
    torch.testing.assert_close(dvae_mel(silence, stats_F), torch.full((1, 80, 87), math.log(1e-5) / -4))
    torch.testing.assert_close(speaker_mel(torch.zeros(1, 16000)), torch.full((1, 64, 101), math.log(1e-6)))


def test_the_filters_of_the_speaker_front_end_reach_one_and_the_others_have_equal_areas():
    assert filters(SPEAKER).max() <= 1
    hertz_per_bin = DVAE.sample_rate / DVAE.num_fft
    wide_filters_QF = filters(DVAE)[:, 40:]  # wide enough for the sum to stand for the integral
    torch.testing.assert_close(wide_filters_QF.sum(0) * hertz_per_bin, torch.ones(40), atol=0.02, rtol=0)


def test_pre_emphasis_takes_a_constant_away():
    assert (speaker_mel(torch.full((1, 16000), 0.5)) < speaker_mel(sine(1000, 16000) * 0.5).max() - 3).all()


def test_the_buffers_of_a_release_have_its_shapes():
    assert [tuple(buffer.shape) for buffer in speaker_mel_buffers()] == [(1, 1, 2), (400,), (257, 64)]

import numpy as np
import pytest
import torch

from escuta.scoring.naturalness import compressed_spectrum
from escuta.scoring.recording import Recording
from sounds import noise, tone


@pytest.fixture(scope="module")
def judge(instruments):
    return instruments.naturalness_judge


@pytest.fixture(scope="module")
def clip_T(takes):
    take = next(take for take in takes if take.audio.stem == "allison_003")
    return Recording.read(take.audio).at_16k_T


def test_a_clip_is_judged_as_the_package_itself_judges_it(judge, clip_T):
    assert judge.judge(clip_T) == pytest.approx(4.5949, abs=2e-3)  # distillmos 0.9.1 with torchaudio


def test_noise_lowers_the_opinion_step_by_step(judge, clip_T):
    drawn_T = noise(len(clip_T) / 16_000, 16_000)[: len(clip_T)]
    opinions = [judge.judge((clip_T + level * drawn_T).astype(np.float32)) for level in (0.0, 0.05, 0.3, 2.0)]

    assert opinions == sorted(opinions, reverse=True)
    assert opinions[0] - opinions[-1] > 2


def test_a_tone_is_not_natural(judge):
    assert 1 <= judge.judge(tone(3, 16_000)) < 2.5


def test_a_long_recording_is_heard_in_pieces(judge, clip_T):
    long_T = np.tile(clip_T, 2)

    assert judge.judge(long_T) == pytest.approx(judge.judge(clip_T), abs=0.5)


def test_the_spectrum_is_that_of_an_fft():
    wav_PT = torch.from_numpy(noise(0.2, 16_000))[None]
    edge = torch.nn.functional.pad(wav_PT, (80, 80), mode="reflect")
    expected = torch.stft(edge, 320, 160, window=torch.hann_window(320), center=False, return_complex=True)

    found_PRQM = compressed_spectrum(wav_PT)

    assert found_PRQM.shape == (1, 2, 161, 20)
    compressed = expected * expected.abs() ** -0.7
    assert torch.allclose(found_PRQM[:, 0], compressed.real, atol=1e-4)
    assert torch.allclose(found_PRQM[:, 1], compressed.imag, atol=1e-4)

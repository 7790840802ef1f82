from dataclasses import replace

import pytest
import torch

from escuta.models.f5.config import VocosConfig
from escuta.models.f5.vocos import Vocos, _added, _waves

SMALL = VocosConfig(width=16, widened=32, layers=1)


def test_the_matrix_is_the_inverse_transform():
    spectrum = torch.randn(7, 513, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    parts = torch.cat([spectrum.real, spectrum.imag], dim=-1)

    torch.testing.assert_close(parts @ _waves(1024), torch.fft.irfft(spectrum), rtol=1e-4, atol=1e-5)


def test_frames_are_added_where_they_overlap():
    frames_BMP = torch.ones(1, 4, 8)

    assert _added(frames_BMP, 2)[0].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 2, 2, 1, 1]
    assert _added(frames_BMP, 3)[0].tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 2, 3, 3, 2, 2, 2, 1, 1, 1]


@pytest.mark.parametrize(("centred", "num_points"), [(True, 9 * 256), (False, 10 * 256)])
def test_audio_is_as_long_as_its_frames(centred, num_points):
    torch.manual_seed(0)
    vocos = Vocos(replace(SMALL, centred=centred)).requires_grad_(False)

    wav_BT = vocos(torch.randn(2, 100, 10))

    assert wav_BT.shape == (2, num_points)
    assert wav_BT.isfinite().all()


def test_a_mel_beyond_all_measure_stays_finite():
    vocos = Vocos(SMALL).requires_grad_(False)
    vocos.head.out.bias[:513] = 1e4

    assert vocos(torch.zeros(1, 100, 10)).isfinite().all()

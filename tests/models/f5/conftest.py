"""A voice for a small F5-TTS to speak after."""

import pytest
import torch

from sounds import speechlike

SAMPLE_RATE = 24_000


@pytest.fixture(scope="session")
def wav_T() -> torch.Tensor:
    """Two seconds of something like speech."""
    return torch.from_numpy(speechlike(2.0, SAMPLE_RATE))

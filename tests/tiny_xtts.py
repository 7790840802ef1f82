"""An XTTS-v2 small enough for a test: every part is there, and nothing about it is trained."""

from collections.abc import Callable
from typing import TypeVar

import torch
from bench.seeded import seeded_tensor
from torch import Tensor, nn

from escuta.models.xtts.config import (
    ConditioningConfig,
    DecoderConfig,
    DvaeConfig,
    GptConfig,
    SpeakerEncoderConfig,
    XttsConfig,
)

TINY = XttsConfig(
    gpt=GptConfig(
        layers=2,
        width=32,
        heads=4,
        max_audio_tokens=45,
        max_text_tokens=30,
        num_text_tokens=40,
        start_text_token=3,
        num_audio_tokens=66,
        start_audio_token=64,
        stop_audio_token=65,
    ),
    conditioning=ConditioningConfig(blocks=2, num_latents=4, perceiver_heads=2, perceiver_head_width=8),
    dvae=DvaeConfig(num_codes=64, code_width=16, width=16),
    decoder=DecoderConfig(input_width=32, channels=32),
    speaker_encoder=SpeakerEncoderConfig(filters=(8, 8, 16, 16), attention_width=8, embedding_width=12),
)

_ModuleT = TypeVar("_ModuleT", bound=nn.Module)


def tiny(kind: Callable[[XttsConfig], _ModuleT], config: XttsConfig = TINY) -> _ModuleT:
    """Build one part with the same weights every time, in eval mode."""
    module = kind(config)
    module.load_state_dict({name: seeded_tensor(name, tensor.shape, 0) for name, tensor in module.state_dict().items()})
    return module.eval()


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Draw values near zero, the same every time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))

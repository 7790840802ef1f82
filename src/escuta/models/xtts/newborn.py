"""A small XTTS-v2 that has learned nothing: made on the spot, to try everything out with.

It speaks noise. All parts are there and everything works as with the released model, in seconds on a plain CPU.
"""

from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from escuta.models.xtts.config import (
    ConditioningConfig,
    DecoderConfig,
    DvaeConfig,
    GptConfig,
    SpeakerEncoderConfig,
    XttsConfig,
)
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.dvae import Dvae
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.speaker_encoder import SpeakerEncoder
from escuta.models.xtts.weights import PREFIXES, Part, save_base
from escuta.text.vocabulary import character_vocabulary

WIDTH = 128
MAX_AUDIO_TOKENS = 256  # 11.8 s: the longest clip the release trains on, and all that it can say at once


def make_newborn(folder: Path, seed: int) -> None:
    """Make a base model in `folder`; the same seed makes the same one. It is made anew where there is one.

    Raises:
        OSError: The folder cannot be written.
    """
    vocab_json = character_vocabulary()
    ids = Tokenizer.from_str(vocab_json).get_vocab()
    config = newborn_config(num_text_tokens=max(ids.values()) + 1)
    save_base(folder, config, newborn_tensors(config, seed), vocab_json)


def newborn_config(num_text_tokens: int) -> XttsConfig:
    """Describe the smallest model that still has every part of the released one."""
    return XttsConfig(
        gpt=GptConfig(
            layers=3, width=WIDTH, heads=4, max_audio_tokens=MAX_AUDIO_TOKENS, num_text_tokens=num_text_tokens
        ),
        conditioning=ConditioningConfig(blocks=2, perceiver_layers=1, perceiver_heads=4, perceiver_head_width=32),
        dvae=DvaeConfig(code_width=64, width=32, resblocks=1),
        decoder=DecoderConfig(input_width=WIDTH, channels=64, resblock_kernel_sizes=(3,), resblock_dilations=(1, 3)),
        speaker_encoder=SpeakerEncoderConfig(filters=(8, 16, 24, 32), blocks=(1, 1, 1, 1), attention_width=32),
    )


def newborn_tensors(config: XttsConfig, seed: int) -> dict[str, Tensor]:
    """Draw all tensors of a model; the same seed draws the same ones. The random state of the process is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        dvae = Dvae(config)
        modules: dict[Part, nn.Module] = {
            "gpt": Gpt(config),
            "decoder": WaveformDecoder(config),
            "speaker_encoder": SpeakerEncoder(config),
            "dvae": dvae,
        }
        mel_stats_F = torch.linspace(-4.0, -7.0, config.num_mel_bins)  # about where speech has them
        dvae.codebook.embed = _codebook(dvae, mel_stats_F)
    tensors = {"mel_stats": mel_stats_F}
    for part, module in modules.items():
        tensors |= {f"{PREFIXES[part]}{name}": tensor for name, tensor in module.state_dict().items()}
    return tensors


@torch.no_grad()
def _codebook(dvae: Dvae, mel_stats_F: Tensor) -> Tensor:
    """What the encoder makes of sounds as changeable as speech, [D, V].

    A codebook drawn without regard to the encoder gives all of speech one and the same code: nothing to learn.
    """
    num_codes = dvae.codebook.embed.shape[1]
    coarse = torch.randn(num_codes, 1, 5, 4)  # a few formants, a few of them a frame's neighbourhood
    log_mel_BFM = functional.interpolate(coarse, size=(len(mel_stats_F), 16), mode="bicubic").squeeze(1) * 3 - 4
    vectors_BKD: Tensor = dvae.encoder(log_mel_BFM / mel_stats_F[:, None]).transpose(1, 2)
    return vectors_BKD[:, 2].T.contiguous()

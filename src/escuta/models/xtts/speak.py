"""One sentence: text tokens and a voice become sound.

Shapes: B batch, L latents, N text tokens, K codes, D width, E embedding, T wav frames.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from escuta.engine.decoding import Decoded, Rules, decode
from escuta.engine.tokens import TokenChoice
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.gpt import Gpt

PLACEHOLDER_TOKEN = 1
"""Stands for every position before the codes, so the repetition penalty takes it as said; coqui-tts gpt.py generate."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What to say, and in whose voice."""

    text_N: Tensor
    """Text tokens, without start and stop."""
    conditioning_LD: Tensor
    """The voice as the language model hears it: a function of its trained weights."""
    speaker_E: Tensor
    """The voice as the decoder hears it."""


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    """What was said."""

    wav_T: Tensor
    """Float audio in [-1, 1], on the CPU, at the model's output rate."""
    codes_K: Tensor
    """The codes behind it; the last one is the stop code where `stop` is "ended"."""
    stop: Literal["ended", "limit"]
    """Whether the model ended by itself, or was cut at its limit of codes."""


def speak(
    gpt: Gpt,
    decoder: WaveformDecoder,
    sentence: Sentence,
    choice: TokenChoice,
    generator: torch.Generator,
    progress: Callable[[], None] | None = None,
) -> SpokenSentence:
    """Say one sentence.

    Args:
        gpt: On the device where the work is done, as are all tensors. Its train mode is left as it was.
        decoder: On the same device.
        sentence: What to say.
        choice: How codes are chosen.
        generator: On the CPU; the same state, weights and sentence give the same audio on one machine.
        progress: Called after every code.

    Raises:
        ValueError: The sentence has more text tokens than the model has positions for.
    """
    with evaluating(gpt, decoder), torch.no_grad():
        decoded = choose_codes(gpt, sentence, choice, generator, progress=progress)
        latents_KD = decoded.hidden_KD.to(sentence.speaker_E)  # the two networks may differ in precision
        wav_BT = decoder(latents_KD[None], sentence.speaker_E[None])
    return SpokenSentence(wav_BT[0].float().cpu(), decoded.tokens_K, decoded.stop)


def choose_codes(
    gpt: Gpt,
    sentence: Sentence,
    choice: TokenChoice,
    generator: torch.Generator,
    limit: int | None = None,
    progress: Callable[[], None] | None = None,
) -> Decoded:
    """Choose the codes of one sentence, with the hidden states that the decoder voices; `gpt` in eval mode.

    Args:
        gpt: The language model.
        sentence: What to say.
        choice: How codes are chosen.
        generator: On the CPU.
        limit: Most codes; None is the model's own limit.
        progress: Called after every code.

    Raises:
        ValueError: The sentence has more text tokens than the model has positions for.
    """
    sizes = gpt.config
    if len(sentence.text_N) >= sizes.max_text_tokens:
        raise ValueError(f"{len(sentence.text_N)} text tokens; expected fewer than {sizes.max_text_tokens}")
    rules = Rules(
        choice,
        stop_token=sizes.stop_audio_token,
        limit=sizes.max_new_tokens if limit is None else min(limit, sizes.max_new_tokens),
        said=(PLACEHOLDER_TOKEN, sizes.start_audio_token),
    )
    prompt_1SD = gpt.prompt(sentence.text_N[None], sentence.conditioning_LD[None])
    return decode(gpt, prompt_1SD, rules, generator, progress)


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """Switch `modules` to eval mode for a while; every part's own mode comes back, whatever happens."""
    training = [part for module in modules for part in module.modules() if part.training]
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True

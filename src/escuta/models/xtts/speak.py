"""Sentences: text tokens and a voice become sound.

Shapes: B batch, L latents, N text tokens, K codes, D width, E embedding, T wav frames.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from escuta.engine.decoding import Decoded, Rules, Start, decode
from escuta.engine.tokens import TokenChoice
from escuta.models.base import Generation, Spoken
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.packed import PackedGpt

PLACEHOLDER_TOKEN = 1
"""Stands for every position before the codes, so the repetition penalty takes it as said; coqui-tts gpt.py generate."""

MAX_ROWS = 16
"""Of sentences decoded together, with guidance two for each; a row keeps some 0.25 MB a position. More of them hardly
get faster on a CPU."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What to say, and in whose voice."""

    text_N: Tensor
    """Text tokens, without start and stop."""
    conditioning_LD: Tensor
    """The voice as the language model hears it: a function of its trained weights."""
    speaker_E: Tensor
    """The voice as the decoder hears it."""
    seed: int = 0
    """Of what is drawn."""


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
    gpt: PackedGpt,
    decoder: WaveformDecoder,
    sentences: Sequence[Sentence],
    choice: TokenChoice,
    limit: int | None = None,
    progress: Callable[[], None] | None = None,
) -> list[SpokenSentence]:
    """Say several sentences; their codes are chosen together.

    The same weights, sentences and seeds give the same audio on one machine. A sentence in other company may differ:
    the last bits of a product depend on how many rows it has.

    Args:
        gpt: On the device where the work is done, as are all tensors.
        decoder: On the same device.
        sentences: What to say.
        choice: How codes are chosen.
        limit: Most codes of a sentence; None is the model's own limit.
        progress: Called after every code.

    Raises:
        ValueError: A sentence has more text tokens than the model has positions for.
    """
    size = MAX_ROWS // 2 if choice.guidance else MAX_ROWS
    batches = [sentences[i : i + size] for i in range(0, len(sentences), size)]
    return [
        _voiced(decoder, sentence, decoded)
        for batch in batches
        for sentence, decoded in zip(batch, choose_codes(gpt, batch, choice, limit, progress), strict=True)
    ]


def choose_codes(
    gpt: PackedGpt,
    sentences: Sequence[Sentence],
    choice: TokenChoice,
    limit: int | None = None,
    progress: Callable[[], None] | None = None,
) -> list[Decoded]:
    """Choose the codes of several sentences in one batch, with the hidden states that the decoder voices.

    Args:
        gpt: The language model.
        sentences: What to say.
        choice: How codes are chosen.
        limit: Most codes; None is the model's own limit.
        progress: Called after every code.

    Raises:
        ValueError: A sentence has more text tokens than the model has positions for.
    """
    sizes = gpt.config
    for sentence in sentences:
        if len(sentence.text_N) >= sizes.max_text_tokens:
            raise ValueError(f"{len(sentence.text_N)} text tokens; expected fewer than {sizes.max_text_tokens}")
    rules = Rules(
        choice,
        stop_token=sizes.stop_audio_token,
        limit=sizes.max_new_tokens if limit is None else min(limit, sizes.max_new_tokens),
        said=(PLACEHOLDER_TOKEN, sizes.start_audio_token),
    )
    starts = [
        Start(
            gpt.prompt(sentence.text_N, sentence.conditioning_LD),
            rules,
            torch.Generator().manual_seed(sentence.seed),
            gpt.prompt(sentence.text_N[:0], sentence.conditioning_LD) if choice.guidance else None,
        )
        for sentence in sentences
    ]
    return decode(gpt, starts, progress)


@torch.no_grad()
def _voiced(decoder: WaveformDecoder, sentence: Sentence, decoded: Decoded) -> SpokenSentence:
    weight = decoder.conv_pre.weight  # the two networks may differ in precision
    wav_BT = decoder(decoded.hidden_KD[None].to(weight), sentence.speaker_E[None].to(weight))
    return SpokenSentence(wav_BT[0].float().cpu(), decoded.tokens_K, decoded.stop)


def joined(said: Sequence[SpokenSentence], sample_rate: int, choice: TokenChoice) -> Spoken:
    """Put the sentences of one text together."""
    return Spoken(
        wav_T=torch.cat([one.wav_T for one in said]),
        sample_rate=sample_rate,
        stop="limit" if any(one.stop == "limit" for one in said) else "ended",
        num_codes=sum(len(one.codes_K) for one in said),
        num_sentences=len(said),
        generation=Generation(**asdict(choice)),
    )


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

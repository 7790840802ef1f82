"""Autoregressive decoding: one token after another, for several sequences in step.

Shapes: B rows, of sequences that have not ended: each has one, or with guidance G = 2, told what to say and not;
S prompt positions, D width, V vocabulary, K generated tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal, Protocol

import torch
from torch import Tensor

from escuta.engine.cache import Cache
from escuta.engine.tokens import TokenChoice, guided, next_token


class Decodable(Protocol):
    """A causal model that reads prompts once, then one token of every sequence at a time."""

    def new_cache(self, prompt_lengths: Sequence[int], num_new: int) -> Cache:
        """Allocate room for prompts of these lengths, and for `num_new` tokens after each."""
        ...

    def prefill(self, prompts: Sequence[Tensor], cache: Cache) -> Tensor:
        """Read the prompts, [S, D] each; return the hidden states after their last positions, [B, D]."""
        ...

    def step(self, tokens: Sequence[int], index: int, cache: Cache) -> Tensor:
        """Read every sequence's generated token number `index` (from 0); return the hidden states after it, [B, D]."""
        ...

    def next_logits(self, hidden_BD: Tensor) -> Tensor:
        """Turn hidden states into the logits of the tokens that follow, [B, V]."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """When decoding ends and what it may say."""

    choice: TokenChoice
    stop_token: int
    limit: int
    """Most tokens to generate, the stop token included."""
    said: Sequence[int] = ()
    """Tokens that the repetition penalty takes as said before the first one."""


@dataclass(frozen=True, slots=True)
class Start:
    """What one sequence begins with, and how it goes on."""

    prompt_SD: Tensor
    """Embeddings that the model reads first."""
    rules: Rules
    generator: torch.Generator
    """On the CPU; the same state, weights and prompts give the same tokens."""
    untold_SD: Tensor | None = None
    """The prompt without what is to be said, for guidance; every sequence of a batch has one, or none has."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was generated."""

    tokens_K: Tensor
    """Integers on the CPU; the last one is the stop token where `stop` is "ended"."""
    hidden_KD: Tensor
    """The hidden state that each token was chosen from."""
    stop: Literal["ended", "limit"]


@torch.no_grad()
def decode(model: Decodable, starts: Sequence[Start], progress: Callable[[], None] | None = None) -> list[Decoded]:
    """Generate all sequences together; each ends with its stop token, or with as many tokens as its rules allow.

    A sequence that has ended leaves the batch, and costs nothing more.

    Args:
        model: In eval mode.
        starts: The sequences.
        progress: Called after every token of the batch.
    """
    prompts = [start.prompt_SD for start in starts]
    prompts += [start.untold_SD for start in starts if start.untold_SD is not None]
    num_each = len(prompts) // len(starts)
    cache = model.new_cache([len(prompt_SD) for prompt_SD in prompts], max(start.rules.limit for start in starts))
    hidden_BD = model.prefill(prompts, cache)
    everyone = [_Sequence(start) for start in starts]
    going = everyone
    for index in count():
        logits_BV = model.next_logits(hidden_BD).cpu()  # all at once: a device is waited for once a token
        each_logits_GV = logits_BV.view(num_each, len(going), -1).unbind(1)
        for sequence, logits_GV, hidden_D in zip(going, each_logits_GV, hidden_BD[: len(going)], strict=True):
            sequence.choose(logits_GV, hidden_D)
        if progress:
            progress()
        left = [row for row, sequence in enumerate(going) if not sequence.stop]
        if not left:
            break
        if len(left) < len(going):
            cache.keep([row + copy * len(going) for copy in range(num_each) for row in left])
            going = [going[row] for row in left]
        hidden_BD = model.step([sequence.tokens[-1] for sequence in going] * num_each, index, cache)
    return [sequence.decoded() for sequence in everyone]


class _Sequence:
    """One sequence on its way."""

    def __init__(self, start: Start) -> None:
        self.tokens: list[int] = []
        self.stop: Literal["ended", "limit"] | None = None
        self._start = start
        self._hidden: list[Tensor] = []
        self._said_V: Tensor | None = None

    def choose(self, logits_GV: Tensor, hidden_D: Tensor) -> None:
        """Choose the next token."""
        rules = self._start.rules
        logits_V = logits_GV[0]
        if len(logits_GV) > 1:
            logits_V = guided(logits_V, logits_GV[1], rules.choice.guidance)
        if self._said_V is None:
            self._said_V = torch.zeros_like(logits_V, dtype=torch.bool)
            self._said_V[list(rules.said)] = True
        token = next_token(logits_V, self._said_V, rules.choice, self._start.generator)
        self._said_V[token] = True
        self.tokens.append(token)
        self._hidden.append(hidden_D)
        if token == rules.stop_token:
            self.stop = "ended"
        elif len(self.tokens) == rules.limit:
            self.stop = "limit"

    def decoded(self) -> Decoded:
        """What was generated, once it has ended."""
        assert self.stop
        return Decoded(torch.tensor(self.tokens), torch.stack(self._hidden), self.stop)

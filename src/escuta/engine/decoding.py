"""Autoregressive decoding: one token after another, from any model that keeps the small contract below.

Shapes: S prompt positions, D width, V vocabulary, K generated tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from escuta.engine.cache import LayerCache
from escuta.engine.tokens import TokenChoice, next_token


class Decodable(Protocol):
    """A causal model that reads a prompt once, then one token at a time."""

    def new_cache(self, num_positions: int) -> list[LayerCache]:
        """Allocate room for `num_positions`, prompt and generated tokens together."""
        ...

    def prefill(self, prompt_1SD: Tensor, cache: list[LayerCache]) -> Tensor:
        """Read the prompt; return the hidden state after its last position, [1, D]."""
        ...

    def step(self, token: int, index: int, cache: list[LayerCache]) -> Tensor:
        """Read the generated token number `index` (from 0); return the hidden state after it, [1, D]."""
        ...

    def next_logits(self, hidden_1D: Tensor) -> Tensor:
        """Turn a hidden state into the logits of the token that follows, [1, V]."""
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
class Decoded:
    """What was generated."""

    tokens_K: Tensor
    """Integers on the CPU; the last one is the stop token where `stop` is "ended"."""
    hidden_KD: Tensor
    """The hidden state that each token was chosen from."""
    stop: Literal["ended", "limit"]


@torch.no_grad()
def decode(
    model: Decodable,
    prompt_1SD: Tensor,
    rules: Rules,
    generator: torch.Generator,
    progress: Callable[[], None] | None = None,
) -> Decoded:
    """Generate until the stop token, or until `rules.limit` tokens.

    Args:
        model: In eval mode.
        prompt_1SD: Embeddings that the model reads first, shape [1, S, D].
        rules: How tokens are chosen and when to end.
        generator: On the CPU; the same state, weights and prompt give the same tokens.
        progress: Called after every token.
    """
    cache = model.new_cache(prompt_1SD.shape[1] + rules.limit)
    hidden_1D = model.prefill(prompt_1SD, cache)
    logits_V = model.next_logits(hidden_1D)[0]
    said_V = torch.zeros_like(logits_V, dtype=torch.bool)
    said_V[list(rules.said)] = True
    tokens: list[int] = []
    hidden: list[Tensor] = []
    while True:
        token = next_token(logits_V, said_V, rules.choice, generator)
        tokens.append(token)
        hidden.append(hidden_1D)
        if progress:
            progress()
        if token == rules.stop_token or len(tokens) == rules.limit:
            break
        said_V[token] = True
        hidden_1D = model.step(token, len(tokens) - 1, cache)
        logits_V = model.next_logits(hidden_1D)[0]
    stop: Literal["ended", "limit"] = "ended" if tokens[-1] == rules.stop_token else "limit"
    return Decoded(torch.tensor(tokens), torch.cat(hidden), stop)

"""Which token comes next: guidance, the repetition penalty, temperature, top-k and top-p, in this order.

Shapes: V vocabulary.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class TokenChoice:
    """How the next token is chosen from the model's logits."""

    temperature: float = 1.0
    """Above 0; 1.0 leaves the distribution as it is."""
    top_k: int = 0
    """Choose among the k most likely; 0 chooses among all."""
    top_p: float = 1.0
    """Choose among the likeliest that together reach this probability, above 0 to 1."""
    repetition_penalty: float = 1.0
    """1.0 is none; above, what was already said becomes less likely."""
    greedy: bool = False
    """Always the likeliest: nothing is drawn, and temperature, top_k and top_p say nothing."""
    guidance: float = 0.0
    """How far to go beyond what is likely, away from what is likely without being told what to say; 0.0 is none."""

    def __post_init__(self) -> None:
        drawn = self.temperature > 0 and self.top_k >= 0 and 0 < self.top_p <= 1
        if not (drawn and self.repetition_penalty > 0 and self.guidance >= 0):
            raise ValueError(
                f"{self} is no choice; expected temperature > 0, top_k >= 0, 0 < top_p <= 1, penalty > 0, guidance >= 0"
            )


def next_token(logits_V: Tensor, said_V: Tensor, choice: TokenChoice, generator: torch.Generator) -> int:
    """Choose the next token.

    Args:
        logits_V: Of the last position, shape [V], on any device.
        said_V: True for every token that counts as already said, shape [V], on the same device.
        choice: The rules.
        generator: On the CPU, so that one seed draws the same tokens whatever computed the logits.
    """
    logits_V = penalised(logits_V.float(), said_V, choice.repetition_penalty)
    if choice.greedy:
        return int(logits_V.argmax())
    logits_V = without_unlikely(logits_V / choice.temperature, choice)
    return int(torch.multinomial(logits_V.softmax(-1).cpu(), 1, generator=generator))


def guided(logits_V: Tensor, untold_V: Tensor, guidance: float) -> Tensor:
    """Move logits away from those of a model that was not told what to say.

    Source: classifier-free guidance (arXiv:2207.12598), of language models as in arXiv:2306.17806.
    """
    return logits_V + guidance * (logits_V - untold_V)


def penalised(logits_V: Tensor, said_V: Tensor, penalty: float) -> Tensor:
    """Make what was said less likely: positive logits are divided by `penalty`, negative ones multiplied.

    Source: CTRL (arXiv:1909.05858) and Hugging Face transformers' RepetitionPenaltyLogitsProcessor.
    """
    weaker_V = torch.where(logits_V < 0, logits_V * penalty, logits_V / penalty)
    return torch.where(said_V, weaker_V, logits_V)


def without_unlikely(logits_V: Tensor, choice: TokenChoice) -> Tensor:
    """Set to -inf what top-k leaves out, then what top-p leaves out; the likeliest token always stays.

    Source: transformers' TopKLogitsWarper and TopPLogitsWarper, in this order.
    """
    if 0 < choice.top_k < len(logits_V):
        weakest_kept = logits_V.topk(choice.top_k).values[-1]
        logits_V = logits_V.masked_fill(logits_V < weakest_kept, -torch.inf)
    if choice.top_p < 1:
        ascending_V, order_V = logits_V.sort()
        dropped_V = ascending_V.softmax(-1).cumsum(-1) <= 1 - choice.top_p
        dropped_V[-1] = False
        logits_V = logits_V.masked_fill(dropped_V.scatter(0, order_V, dropped_V), -torch.inf)
    return logits_V

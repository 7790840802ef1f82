"""Show the language model early where in the text it is, which few hours of speech tell it late.

Some heads are asked to look at the text near the diagonal: at the start of the codes at its start, at their end at its
end. Source: guided attention (arXiv:1710.08969), here as the logarithm of the share that a head spends there.

Shapes: B batch, L latents, S positions of the whole sequence, D width, W head width, P positions of one segment.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.loss import Segment

GUIDED = ((2, 0), (2, 1), (3, 0))
"""Layer and head of those that are guided, by layer; in a model of fewer layers, of its last."""
WIDTH = 0.08  # of the text: how far from the diagonal a head may look, as a standard deviation
MIN_TOKENS = 2.5
FLOOR = 1e-4


@contextmanager
def watched(gpt: Gpt) -> Iterator[list[Tensor]]:
    """While it lasts, gather queries, keys and values [B, S, 3 D] of the guided layers, one a guided head."""
    seen: list[Tensor] = []

    def keep(_layer: nn.Module, _inputs: tuple[Tensor, ...], out_BSD: Tensor) -> None:
        seen.append(out_BSD)

    blocks = [gpt.gpt.h[min(layer, len(gpt.gpt.h) - 1)] for layer, _head in GUIDED]
    hooks = [block.attn.c_attn.register_forward_hook(keep) for block in blocks]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def straying(projected: list[Tensor], heads: int, num_latents: int, text: Segment, codes: Segment) -> Tensor:
    """How far the guided heads stray from the diagonal while codes are chosen, in nepers.

    Args:
        projected: What `watched` gathered: of every item the latents, its real text, its real codes.
        heads: Of the model.
        num_latents: Of the voice.
        text: Of the batch.
        codes: Of the batch.
    """
    near_BSS, rows_BS = diagonal(num_latents, text, codes, projected[0].shape[1])
    found = []
    for (_layer, head), qkv_BSD in zip(GUIDED, projected, strict=True):
        query_BSW, key_BSW = (part.unflatten(2, (heads, -1))[:, :, head].float() for part in qkv_BSD.chunk(3, 2)[:2])
        scores_BSS = query_BSW @ key_BSW.transpose(1, 2) * query_BSW.shape[2] ** -0.5
        later_SS = torch.ones(scores_BSS.shape[1:], dtype=torch.bool).triu(1)
        spent_BSS = scores_BSS.masked_fill(later_SS, -torch.inf).softmax(2)
        found.append(-((spent_BSS * near_BSS).sum(2) + FLOOR).log()[rows_BS].mean())
    return torch.stack(found).mean()


def diagonal(num_latents: int, text: Segment, codes: Segment, num_positions: int) -> tuple[Tensor, Tensor]:
    """How near each text position is to where each code should look [B, S, S], and which rows are codes [B, S]."""
    place_S = torch.arange(num_positions, dtype=torch.float32)
    text_B1, codes_B1 = (segment.real_BP.sum(1, keepdim=True) for segment in (text, codes))
    in_text_BS = (place_S >= num_latents) & (place_S < num_latents + text_B1)
    in_codes_BS = (place_S >= num_latents + text_B1) & (place_S < num_latents + text_B1 + codes_B1)
    wanted_BS = num_latents + (place_S - num_latents - text_B1) / codes_B1 * text_B1
    width_B11 = (WIDTH * text_B1).clamp(min=MIN_TOKENS)[:, :, None]
    near_BSS = torch.exp(-(((place_S - wanted_BS[:, :, None]) / width_B11) ** 2) / 2)
    return near_BSS * in_text_BS[:, None, :], in_codes_BS

"""XTTS-v2's language model where its weights lie: read tensor by tensor, never all of it in memory at once.

Shapes: B batch, L latents, D width, S positions.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from escuta.models.base import Batch
from escuta.models.blank import blank
from escuta.models.xtts.gpt import Prompter
from escuta.models.xtts.loss import code_segment, cross_entropy
from escuta.models.xtts.transformer import Block


@torch.no_grad()
def mel_loss(
    prompter: Prompter,
    tensors: Mapping[str, Tensor],
    batch: Batch,
    conditioning_BLD: Tensor,
    progress: Callable[[], None] | None = None,
) -> Tensor:
    """Compute what `PackedGpt.mel_loss` does with exact weights, of which one layer at a time is in memory.

    Args:
        prompter: In eval mode.
        tensors: Names as in `Gpt`'s state.
        batch: As `Gpt.forward` takes it.
        conditioning_BLD: The voices.
        progress: Called after every layer.
    """
    config = prompter.config
    segment = code_segment(batch["codes"], batch["code_lengths"], batch["ignored_codes"], config)
    hidden = [
        prompter.sequence(
            batch["text"][row : row + 1, :length], segment.inputs_BP[row : row + 1], conditioning_BLD[row : row + 1]
        )
        for row, length in enumerate(batch["text_lengths"].tolist())
    ]
    with blank():
        block = Block(config).eval()
    for layer in range(config.layers):
        block.load_state_dict({name: tensors[f"gpt.h.{layer}.{name}"] for name in block.state_dict()}, assign=True)
        hidden = [block(x_1SD) for x_1SD in hidden]
        if progress:
            progress()
    ends = torch.cat([x_1SD[:, -segment.inputs_BP.shape[1] :] for x_1SD in hidden])
    for norm in ("gpt.ln_f", "final_norm"):
        ends = functional.layer_norm(ends, ends.shape[-1:], tensors[f"{norm}.weight"], tensors[f"{norm}.bias"])
    logits = functional.linear(ends, tensors["mel_head.weight"], tensors["mel_head.bias"])
    return cross_entropy(logits, segment.targets_BP)

"""XTTS-v2's language model where its weights lie: read tensor by tensor, never all of it in memory at once.

Shapes: B batch, L latents, D width, S positions.
"""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from escuta.errors import CheckpointError
from escuta.messages import _
from escuta.models.base import Batch
from escuta.models.blank import blank
from escuta.models.xtts.gpt import Prompter
from escuta.models.xtts.loss import code_segment, cross_entropy
from escuta.models.xtts.transformer import Block
from escuta.models.xtts.weights import PREFIXES


class GptTensors(Mapping[str, Tensor]):
    """A checkpoint's tensors under the names that `Gpt` has for them, in float32, on one device, read when asked for.

    Args:
        tensors: Under the release's names.
        shapes: What the model expects, under the same names.
        where: Names the checkpoint.
        device: Where they are wanted.

    Raises:
        CheckpointError: Names differ; when a tensor is asked for, that its shape does.
    """

    def __init__(
        self, tensors: Mapping[str, Tensor], shapes: Mapping[str, torch.Size], where: str, device: torch.device
    ) -> None:
        self.released = tensors
        self._shapes = shapes
        self._where = where
        self._device = device
        if wrong := sorted(shapes.keys() ^ tensors.keys()):
            raise _differing(wrong, where)

    def __getitem__(self, name: str) -> Tensor:
        name = f"{PREFIXES['gpt']}{name}"
        tensor = self.released[name]
        if tensor.shape != self._shapes[name]:
            wrong = [one for one, shape in sorted(self._shapes.items()) if self.released[one].shape != shape]
            raise _differing(wrong, self._where)
        return tensor.detach().to(self._device, torch.float32)

    def __iter__(self) -> Iterator[str]:
        return (name.removeprefix(PREFIXES["gpt"]) for name in self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


def _differing(names: list[str], where: str) -> CheckpointError:
    """Tensors of a checkpoint are not those of the model."""
    return CheckpointError(
        _(
            "{where}: {n} tensors differ from the base model's, {name} among them; expected a checkpoint of "
            "this model. Choose the base it was trained from."
        ).format(where=where, n=len(names), name=names[0])
    )


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

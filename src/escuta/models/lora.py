"""Low-rank adapters: the matrices of a model stay as they are, and beside each a small product learns what to add.

Shapes: I features in, O features out, R rank.

Source: LoRA, arXiv:2106.09685.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from escuta.errors import CheckpointError
from escuta.messages import _

_NAME = "adapter"


class Adapter(nn.Module):
    """What one matrix learns; nothing at first.

    Args:
        layer: Its weight lies [out, in], as PyTorch's own have it, or else [in, out].
        rank: Of the product.
        scale: It is multiplied by this.
    """

    def __init__(self, layer: nn.Module, rank: int, scale: float) -> None:
        super().__init__()
        weight = layer.get_parameter("weight")
        self._lies_out_in = isinstance(layer, nn.Linear)
        num_in, num_out = reversed(weight.shape) if self._lies_out_in else weight.shape
        self.scale = scale
        device = weight.device
        self.down_RI = nn.Parameter(nn.init.normal_(torch.empty(rank, num_in, device=device), std=num_in**-0.5))
        self.up_OR = nn.Parameter(torch.zeros(num_out, rank, device=device))

    def forward(self, x: Tensor) -> Tensor:
        """Compute what to add to the layer's output."""
        added: Tensor = functional.linear(functional.linear(x, self.down_RI) * self.scale, self.up_OR)
        return added

    @torch.no_grad()
    def merged(self, weight: Tensor) -> Tensor:
        """The one matrix that does what both do."""
        if self._lies_out_in:
            return torch.addmm(weight, self.up_OR, self.down_RI, alpha=self.scale)
        return torch.addmm(weight, self.down_RI.T, self.up_OR.T, alpha=self.scale)


class Adapters:
    """The adapters of a model; all else of it is frozen.

    Args:
        module: The model.
        layers: Names of its layers that get one.
        rank: Of each.
        alpha: What each adds is multiplied by alpha / rank, so that the learning rate need not follow the rank.
    """

    def __init__(self, module: nn.Module, layers: Sequence[str], rank: int, alpha: float) -> None:
        module.requires_grad_(False)
        self._rank = rank
        self._adapters: dict[str, Adapter] = {}
        for name in layers:
            layer = module.get_submodule(name)
            self._adapters[name] = adapter = Adapter(layer, rank, alpha / rank)
            layer.add_module(_NAME, adapter)
            layer.register_forward_hook(_add)

    def merged(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The model's own state with what was learned in it: the matrices are new ones, all else is as it was."""
        merged = {name: tensor for name, tensor in state.items() if f".{_NAME}." not in name}
        for name, adapter in self._adapters.items():
            merged[f"{name}.weight"] = adapter.merged(merged[f"{name}.weight"])
        return merged

    def tensors(self) -> dict[str, Tensor]:
        """What was learned, by the names of the layers; no copies."""
        return {
            f"{name}.{own}": tensor
            for name, adapter in self._adapters.items()
            for own, tensor in adapter.state_dict().items()
        }

    def load(self, tensors: Mapping[str, Tensor], where: str) -> None:
        """Go on from what `tensors` gave.

        Raises:
            CheckpointError: They are of other adapters; `where` names the checkpoint.
        """
        own = self.tensors()
        if {name: tensor.shape for name, tensor in own.items()} != {name: one.shape for name, one in tensors.items()}:
            ranks = sorted({len(tensor) for name, tensor in tensors.items() if name.endswith("down_RI")})
            raise CheckpointError(
                _(
                    "{where}: holds LoRA of rank {found}; expected rank {rank}. Set training.lora_rank to what the run "
                    "began with, or begin afresh with --fresh."
                ).format(where=where, found=", ".join(map(str, ranks)) or "0", rank=self._rank)
            )
        for name, tensor in own.items():
            tensor.copy_(tensors[name])


def _add(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    added: Tensor = layer.get_submodule(_NAME)(inputs[0])
    return output + added

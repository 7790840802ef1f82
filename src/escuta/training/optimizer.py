"""The optimizer, from settings."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from escuta.errors import InstallError
from escuta.messages import _
from escuta.settings import TrainingSettings

BETAS = (0.9, 0.96)
"""Of AdamW, as XTTS was fine-tuned by its makers (coqui-tts 0.28.0, recipes/ljspeech/xtts_v2/train_gpt_xtts.py)."""

EPSILON = 1e-8
"""PyTorch's own."""

SHARE = "share"
"""Where the group of a decoder keeps what its learning rate is of the others'."""

Copies = Mapping[nn.Parameter, nn.Parameter]
"""Weights of fewer bits that have the gradients of others."""


def build_optimizer(module: nn.Module, settings: TrainingSettings, copies: Copies) -> torch.optim.Optimizer:
    """AdamW with weight decay on matrices alone: embeddings, norms and biases are not pulled to zero.

    A decoder decays nowhere, and has a rate of its own: `set_learning_rate` keeps the share.

    Args:
        module: What learns.
        settings: Of training.
        copies: Of `module`'s weights, for those that have some: they get the gradients, and follow their weights.

    Raises:
        InstallError: The package that the optimizer is of is not installed.
    """
    embeddings = {id(layer.weight) for layer in module.modules() if isinstance(layer, nn.Embedding)}
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    learning, decoder = parts_of(module)
    for parameter in learning:
        if parameter.requires_grad:
            (decayed if parameter.ndim > 1 and id(parameter) not in embeddings else kept).append(parameter)
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": kept, "weight_decay": 0.0}]
    if decoder and settings.decoder_learning_rate:
        share = settings.decoder_learning_rate / settings.learning_rate
        groups.append({"params": decoder, "weight_decay": 0.0, SHARE: share})
    match settings.optimizer:
        case "adamw8bit":
            return _adamw_8bit(groups, settings.learning_rate, copies)
        case "adamw_bf16" | "auto" if copies or settings.optimizer != "auto":
            return AdamW(groups, settings.learning_rate, torch.bfloat16, copies)
        case _ if copies:
            return AdamW(groups, settings.learning_rate, torch.float32, copies)
        case _:
            return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=BETAS, fused=True)


def parts_of(module: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """What learns from `loss`, and the decoder, which learns from `loss_sound`: empty where it does not."""
    decoder = list(part.parameters()) if isinstance(part := getattr(module, "decoder", None), nn.Module) else []
    apart = {id(weight) for weight in decoder}
    return [weight for weight in module.parameters() if id(weight) not in apart], decoder


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Take the next steps with it, a decoder with its share of it."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group.get(SHARE, 1.0)


def has_decoder(groups: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a decoder is among what learns."""
    return any(SHARE in group for group in groups)


def shorten(parameters: Iterable[nn.Parameter], max_norm: float) -> float:
    """Shorten the gradients to `max_norm`, all together; return how long they were, summed in fp32."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norms = [torch.linalg.vector_norm(gradient, dtype=torch.float32) for gradient in gradients]
    norm = float(torch.linalg.vector_norm(torch.stack(norms)))
    if norm > max_norm:
        torch._foreach_mul_(gradients, max_norm / norm)
    return norm


class AdamW(torch.optim.Optimizer):
    """AdamW that computes in fp32 whatever bits its gradients and moments have: one weight at a time gets them in fp32.

    Args:
        groups: Of fp32 weights, with their `weight_decay`.
        learning_rate: Of all.
        moments: What the two moments are kept in. bfloat16 rounds away changes below 1/256: with `BETAS`, a moment
            that is off by more than a tenth still changes.
        copies: See `build_optimizer`.
    """

    def __init__(
        self, groups: list[dict[str, Any]], learning_rate: float, moments: torch.dtype, copies: Copies
    ) -> None:
        self._moments = moments
        self._copies = copies
        self._scratch: dict[str, Tensor] = {}
        super().__init__(
            groups, {"lr": learning_rate, "betas": BETAS, "eps": EPSILON, "weight_decay": 0.0, "fused": True}
        )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002 - as PyTorch has it
        """Change every weight that has a gradient, and its copy after it."""
        for group in self.param_groups:
            for weight in group["params"]:
                copy = self._copies.get(weight, weight)
                if copy.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["step"] = torch.zeros((), device=weight.device)
                    state["exp_avg"] = torch.zeros_like(weight, dtype=self._moments)
                    state["exp_avg_sq"] = torch.zeros_like(weight, dtype=self._moments)
                self._update(weight, copy.grad, state, group)
                if copy is not weight:
                    copy.copy_(weight)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with another one's moments, in the bits of this one's."""
        super().load_state_dict(state_dict)
        for state in self.state.values():
            for name in ("exp_avg", "exp_avg_sq"):
                state[name] = state[name].to(self._moments)

    def _update(self, weight: Tensor, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        moments = {name: self._in_fp32(name, state[name]) for name in ("exp_avg", "exp_avg_sq")}
        adamw(
            [weight],
            [self._in_fp32("gradient", gradient)],
            [moments["exp_avg"]],
            [moments["exp_avg_sq"]],
            [],
            [state["step"]],
            fused=True,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )
        for name, moment in moments.items():
            if moment is not state[name]:
                state[name].copy_(moment)

    def _in_fp32(self, name: str, tensor: Tensor) -> Tensor:
        """The same in fp32, in memory that the next one takes over: new memory costs a CPU more than the arithmetic."""
        if tensor.dtype == torch.float32:
            return tensor
        scratch = self._scratch.get(name)
        if scratch is None or scratch.device != tensor.device or len(scratch) < tensor.numel():
            scratch = self._scratch[name] = torch.empty(tensor.numel(), device=tensor.device)
        return scratch[: tensor.numel()].view(tensor.shape).copy_(tensor)


def _adamw_8bit(groups: list[dict[str, Any]], learning_rate: float, copies: Copies) -> torch.optim.Optimizer:
    """Set up bitsandbytes' AdamW, whose moments have 8 bits.

    Raises:
        InstallError: bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise InstallError(
            _(
                'training.optimizer adamw8bit: bitsandbytes is not installed. Install it: pip install "escuta[8bit]", '
                "or choose adamw_bf16, which needs nothing."
            )
        )
    adamw_8bit = import_module("bitsandbytes.optim").AdamW8bit
    optimizer: torch.optim.Optimizer = adamw_8bit(groups, lr=learning_rate, betas=BETAS, eps=EPSILON)
    if copies:
        optimizer.register_step_pre_hook(lambda *_: _widen_gradients(copies))
        optimizer.register_step_post_hook(lambda *_: _follow(copies))
    return optimizer


@torch.no_grad()
def _widen_gradients(copies: Copies) -> None:
    for weight, copy in copies.items():
        weight.grad = None if copy.grad is None else copy.grad.float()
        copy.grad = None


@torch.no_grad()
def _follow(copies: Copies) -> None:
    for weight, copy in copies.items():
        if copy.requires_grad:
            copy.copy_(weight)

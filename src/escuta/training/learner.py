"""The part that learns: one optimizer step, one validation, and the state both leave."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from escuta.messages import _
from escuta.models.base import Batch, VoiceModel
from escuta.run.checkpoints import Checkpoint, Progress
from escuta.settings import TrainingSettings
from escuta.training.optimizer import build_optimizer


@dataclass(frozen=True, slots=True)
class Step:
    """What one optimizer step came to."""

    loss: float
    """Mean over its micro steps: on the scale of val_loss."""
    parts: Mapping[str, float]
    """What the loss is made of."""
    grad_norm: float
    """Before it was shortened."""
    taken: bool
    """False when loss or gradient was not finite: the weights stay as they were."""


class Learner:
    """A model, its optimizer, and the device they are on.

    Args:
        model: With what training needs.
        settings: Of training.
        seed: Of dropout.
        resumed: What to continue from.

    Raises:
        CheckpointError: `resumed` is of another model.
    """

    def __init__(
        self, model: VoiceModel, settings: TrainingSettings, seed: int, resumed: Checkpoint | None = None
    ) -> None:
        self._model = model
        torch.manual_seed(seed)
        if resumed:
            model.load_trained({name: tensor.clone() for name, tensor in resumed.model.items()}, _("checkpoint"))
        self._settings = settings
        self._accelerator = Accelerator(
            cpu=settings.device == "cpu", mixed_precision="bf16" if settings.precision == "bf16" else "no"
        )
        optimizer = build_optimizer(model.trainable, settings)
        self._module, self._optimizer = self._accelerator.prepare(model.trainable, optimizer)
        self.before_update: Callable[[], None] = _nothing
        """Called before the weights change."""
        if resumed:
            groups = self._optimizer.state_dict()["param_groups"]  # as the settings of this start have them
            self._optimizer.load_state_dict({**resumed.optimizer, "param_groups": groups})
            _restore_random_state(resumed.random_state)

    @property
    def device(self) -> torch.device:
        """Where the training computes."""
        device: torch.device = self._accelerator.device
        return device

    def step(self, batches: Sequence[Batch]) -> Step:
        """Learn from `batches`, one micro step each, and take one optimizer step."""
        self._module.train()
        losses: dict[str, float] = {}
        for batch in batches:
            with self._accelerator.autocast():
                found = self._module(self._on_device(batch))
            self._accelerator.backward(found["loss"] / len(batches))
            for name, value in found.items():
                losses[name] = losses.get(name, 0.0) + value.item() / len(batches)
        norm = self._accelerator.clip_grad_norm_(self._module.parameters(), self._settings.max_grad_norm)
        grad_norm = float(norm) if norm is not None else math.nan
        taken = math.isfinite(losses["loss"]) and math.isfinite(grad_norm)
        if taken:
            self.before_update()
            self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return Step(loss=losses.pop("loss"), parts=losses, grad_norm=grad_norm, taken=taken)

    @torch.no_grad()
    def validate(self, batches: Sequence[Batch]) -> float:
        """Mean loss over `batches`, without dropout or random crops."""
        self._module.eval()
        with self._accelerator.autocast():
            losses = [self._module(self._on_device(batch))["loss"].item() for batch in batches]
        mean: float = sum(losses) / len(losses)
        return mean

    def checkpoint(self, progress: Progress, *, val_loss: float | None, base_fingerprint: str) -> Checkpoint:
        """All that a training continues from; the tensors are the live ones."""
        return Checkpoint(
            family=self._model.family,
            base_fingerprint=base_fingerprint,
            progress=progress,
            val_loss=val_loss,
            model=self._model.trained_tensors(),
            optimizer=self._optimizer.state_dict(),
            random_state=_random_state(),
        )

    @contextmanager
    def off_device(self) -> Iterator[None]:
        """Leave the GPU to somebody else for as long as this is entered."""
        device = self.device
        self._move("cpu")
        torch.cuda.empty_cache()
        try:
            yield
        finally:
            self._move(device)

    def _move(self, device: torch.device | str) -> None:
        self._module.to(device)
        for state in self._optimizer.state.values():
            for name, value in state.items():
                if isinstance(value, Tensor) and value.ndim:  # the step count stays where AdamW keeps it
                    state[name] = value.to(device)

    def _on_device(self, batch: Batch) -> Batch:
        return {name: tensor.to(self.device) for name, tensor in batch.items()}


def _nothing() -> None: ...


def _random_state() -> dict[str, Any]:
    state: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def _restore_random_state(state: Mapping[str, Any]) -> None:
    torch.set_rng_state(state["cpu"].cpu())
    if torch.cuda.is_available() and len(state.get("cuda", [])) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([one.cpu() for one in state["cuda"]])

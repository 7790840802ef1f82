"""The part that learns: one optimizer step, one validation, and the state both leave."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import GradientAccumulationPlugin
from torch import Tensor, nn

from escuta.errors import CheckpointError
from escuta.messages import _
from escuta.models.base import Batch, Learning, Use, VoiceModel
from escuta.run.checkpoints import AVERAGE, Checkpoint, Progress
from escuta.settings import TrainingSettings
from escuta.training.average import WeightAverage
from escuta.training.compiler import compiler_refusal
from escuta.training.optimizer import build_optimizer, has_decoder, parts_of, set_learning_rate, shorten
from escuta.training.precision import HalfCopies, arithmetic_on
from escuta.training.ranks import ALONE, Ranks

ADAPTERS = "adapters"
"""Where a checkpoint's optimizer keeps what adapters have learned; its weights have it merged."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one optimizer step came to."""

    loss: float
    """Mean over all targets of its micro steps: on the scale of val_loss."""
    parts: Mapping[str, float]
    """What the loss is made of."""
    grad_norm: float
    """Before it was shortened; of all that learns."""
    taken: bool
    """False when loss or gradient was not finite: the weights stay as they were."""


class Learner:
    """A model, its optimizer, and the device they are on.

    Args:
        model: With what training needs.
        settings: Of training.
        seed: Of dropout.
        resumed: What to continue from.
        ranks: Who learns together; what one does here, all do at once.

    Raises:
        CheckpointError: `resumed` is of another model, or learned in another way.
        InstallError: What the settings ask for is not installed.
    """

    def __init__(
        self,
        model: VoiceModel,
        settings: TrainingSettings,
        seed: int,
        resumed: Checkpoint | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self._model = model
        self._ranks = ranks
        torch.manual_seed(seed + ranks.number)
        _choose_what_learns(model, settings, resumed)
        self._settings = settings
        self._accelerator = Accelerator(  # the settings alone decide, whatever `accelerate launch` was told
            cpu=settings.device == "cpu",
            mixed_precision="no",
            dynamo_backend="no",
            gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        )
        self.precision = arithmetic_on(self.device, settings.precision)
        """What it computes in."""
        self.warnings: list[str] = []
        """What somebody should know of it."""
        if self.precision == "tf32":
            torch.set_float32_matmul_precision("high")
        module = model.trainable.to(self.device)
        if settings.compile and not self._refused_to_compile():
            module.compile(dynamic=True)
        self._average = _average_of(module, settings, resumed)
        self._copies = HalfCopies(module) if self.precision == "bf16" else None
        optimizer = build_optimizer(module, settings, self._copies.of if self._copies else {})
        with self._computing():
            self._module, self._optimizer = self._accelerator.prepare(module, optimizer)
        self.before_update: Callable[[], None] = _nothing
        """Called before the weights change."""
        if resumed:
            _load_optimizer(self._optimizer, resumed, has_moments=settings.optimizer != "adamw8bit")
            self._restore_random_state(resumed.random_state)

    @property
    def device(self) -> torch.device:
        """Where the training computes."""
        device: torch.device = self._accelerator.device
        return device

    def set_learning_rate(self, learning_rate: float) -> None:
        """Take the next steps with it."""
        set_learning_rate(self._optimizer, learning_rate)

    def step(self, batches: Sequence[Batch]) -> Step:
        """Learn from `batches`, one micro step each, and take one optimizer step."""
        self._module.train()
        batches = [self._on_device(batch) for batch in batches]
        counts = torch.stack([self._model.num_targets(batch) for batch in batches]).sum(0).float()
        num_targets = self._accelerator.reduce(counts, "mean")  # of all processes, as their gradients
        losses: dict[str, float] = {}
        with self._computing():
            for batch in batches:
                with self._autocast():
                    found = self._module({**batch, "num_targets": num_targets})
                self._accelerator.backward(found["loss"] + found.get("loss_sound", 0.0))
                for name, value in found.items():
                    losses[name] = losses.get(name, 0.0) + value.item()
            of_each = self._ranks.all(losses)
            losses = {name: sum(one[name] for one in of_each) / self._ranks.of for name in losses}
            parts = [part for part in parts_of(self._model.trainable) if part]
            grad_norm = math.hypot(*(shorten(part, self._settings.max_grad_norm) for part in parts))
            taken = math.isfinite(losses["loss"]) and math.isfinite(grad_norm)
            if taken:
                self.before_update()
                self._optimizer.step()
                if self._average:
                    self._average.update()
            self._module.zero_grad(set_to_none=True)
        self._optimizer.zero_grad(set_to_none=True)
        return Step(loss=losses.pop("loss"), parts=losses, grad_norm=grad_norm, taken=taken)

    @torch.no_grad()
    def validate(self, batches: Sequence[Batch]) -> float:
        """Mean loss over all that is predicted in `batches`, without dropout or random crops, by what speaks."""
        self._module.eval()
        batches = [self._on_device(batch) for batch in batches]
        num_targets = torch.stack([self._model.num_targets(batch) for batch in batches]).sum(0).float()
        with self.averaged(validating=True), self._computing(), self._autocast():
            losses = [self._module({**batch, "num_targets": num_targets})["loss"].item() for batch in batches]
        return float(sum(losses))

    def checkpoint(self, progress: Progress, *, val_loss: float | None, base_fingerprint: str) -> Checkpoint:
        """All that a training continues from; the tensors are the live ones, but for those of merged adapters."""
        adapters = self._model.adapters
        optimizer = self._optimizer.state_dict()
        if self._average:
            optimizer[AVERAGE] = self._average.state()
        with self.averaged():
            if adapters:
                optimizer[ADAPTERS] = adapters.tensors()
            model = self._model.trained_tensors()
        return Checkpoint(
            family=self._model.family,
            base_fingerprint=base_fingerprint,
            progress=progress,
            val_loss=val_loss,
            model=model,
            optimizer=optimizer,
            random_state=self._random_state(),
        )

    @contextmanager
    def averaged(self, *, validating: bool = False) -> Iterator[None]:
        """Have the mean of the weights in their place, where there is one: it is what speaks and is exported.

        Args:
            validating: Bring what computes in fewer bits along.
        """
        copies = self._copies if validating else None
        with self._average.in_place() if self._average else nullcontext():
            if self._average and copies:
                copies.follow()
            yield
        if self._average and copies:
            copies.follow()

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
        for beside in (self._copies, self._average):
            if beside:
                beside.move(device)
        for state in self._optimizer.state.values():
            for name, value in state.items():
                if isinstance(value, Tensor) and value.ndim:  # the step count stays where AdamW keeps it
                    state[name] = value.to(device)

    def _computing(self) -> AbstractContextManager[None]:
        return self._copies.computing() if self._copies else nullcontext()

    def _autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def _refused_to_compile(self) -> bool:
        reason = compiler_refusal(self.device)
        if reason:
            self.warnings.append(
                _("training.compile: there is no compiler that works here ({reason}); going on without.").format(
                    reason=reason
                )
            )
        return reason is not None

    def _random_state(self) -> dict[str, Any]:
        """Of this process, and of the others that learn together with it."""
        own: dict[str, Any] = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            own["cuda"] = torch.cuda.get_rng_state(self.device)
        others = self._ranks.all(own)[1:]
        return {**own, "others": others} if others else own

    def _restore_random_state(self, state: Mapping[str, Any]) -> None:
        of_each = [state, *state.get("others", [])]
        if len(of_each) != self._ranks.of:  # begun with more or fewer processes: each goes on with numbers of its own
            return
        own = of_each[self._ranks.number]
        torch.set_rng_state(own["cpu"].cpu())
        if self.device.type == "cuda" and isinstance(own.get("cuda"), Tensor):
            torch.cuda.set_rng_state(own["cuda"].cpu(), self.device)

    def _on_device(self, batch: Batch) -> Batch:
        return {name: tensor.to(self.device) for name, tensor in batch.items()}


def uses_for(settings: TrainingSettings) -> list[Use]:
    """What a model is to be loaded for, to learn so."""
    return ["training", "decoder_training"] if settings.learns_sound else ["training"]


def learning_of(settings: TrainingSettings) -> Learning:
    """What of a model learns, and how."""
    return Learning(
        lora_rank=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        freeze=settings.freeze or (),
        recomputes=settings.activation_checkpointing,
        decoder=settings.learns_sound,
    )


def _nothing() -> None: ...


def _choose_what_learns(model: VoiceModel, settings: TrainingSettings, resumed: Checkpoint | None) -> None:
    """Load what was learned and choose what goes on learning; adapters stand beside the base model's own matrices.

    Raises:
        CheckpointError: `resumed` is of another model.
    """
    where = _("checkpoint")
    if resumed and has_decoder(resumed.optimizer["param_groups"]) != settings.learns_sound:
        raise _other_settings()
    if resumed and not settings.lora_rank:
        model.load_trained({name: tensor.clone() for name, tensor in resumed.model.items()}, where)
    model.learn(learning_of(settings))
    if resumed and model.adapters:
        model.adapters.load(resumed.optimizer.get(ADAPTERS, {}), where)


def _average_of(module: nn.Module, settings: TrainingSettings, resumed: Checkpoint | None) -> WeightAverage | None:
    """The mean as it was, and in its place in the model the weights that learn."""
    before = resumed.optimizer[AVERAGE] if resumed and resumed.averaged else None
    if not (settings.ema_decay or before):
        return None
    average = WeightAverage(module, settings.ema_decay or 0.0)
    if before:
        average.load(before)
    return average if settings.ema_decay else None


def _load_optimizer(optimizer: torch.optim.Optimizer, resumed: Checkpoint, *, has_moments: bool) -> None:
    """Go on with the moments of `resumed`, and with the rates of the settings of this start.

    Raises:
        CheckpointError: Another optimizer left them, or they are of other weights.
    """
    groups = optimizer.state_dict()["param_groups"]
    saved = resumed.optimizer
    kinds = {"exp_avg" in state for state in saved["state"].values()} - {has_moments}
    sizes, saved_sizes = ([len(group["params"]) for group in one] for one in (groups, saved["param_groups"]))
    if sizes != saved_sizes or kinds:
        raise _other_settings()
    optimizer.load_state_dict({"state": saved["state"], "param_groups": groups})
    for state in optimizer.state.values():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.device.type == "cpu":
                state[name] = value.clone()  # else maybe the file's own, whose disk it would hold


def _other_settings() -> CheckpointError:
    return CheckpointError(
        _(
            "checkpoint: was learned with another training.lora_rank, training.freeze, training.optimizer or "
            "training.decoder_learning_rate; expected those of this start. Set them as they were, or begin afresh with "
            "--fresh."
        )
    )

"""A stage that trains: saved every few minutes, so that after a kill it goes on where it was, with the same draws."""

import io
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from recipes.nano.work import append_row, publish, read_rows
from torch import Tensor, nn

from escuta.engine.linear import computes_bf16

SAVE_SECONDS = 180.0
PRINT_STEPS = 50
FIGURES = "figures.jsonl"


class Part(Protocol):
    """What a stage keeps between two processes."""

    def state_dict(self) -> Any:
        """All there is to keep."""

    def load_state_dict(self, state: Any) -> Any:
        """Go on from there."""


class Stage:
    """The training of one part of nano, in WORK/stages/NAME.pt.

    Args:
        work: The work folder.
        name: Of the stage.
        parts: Networks, averages and optimizers; what was saved of them is loaded.
    """

    def __init__(self, work: Path, name: str, parts: Mapping[str, Part]) -> None:
        self.work = work
        self.name = name
        self.step = 0
        """Steps done."""
        self._parts = parts
        self._seen: dict[str, list[float]] = defaultdict(list)
        if (saved := read_stage(work, name)) is not None:
            self.step = saved["step"]
            for part, state in saved["parts"].items():
                parts[part].load_state_dict(state)

    def steps(self, until: int) -> Iterator[int]:
        """Count the steps up to `until`; what a step draws depends on its number alone."""
        torch.set_flush_denormal(True)  # sharp attention makes many: a tenth to a third of a step
        saved = printed = time.monotonic()
        while self.step < until:
            torch.manual_seed(self.step)
            yield self.step
            self.step += 1
            now = time.monotonic()
            if self.step % PRINT_STEPS == 0:
                figures = ", ".join(f"{name} {sum(seen) / len(seen):.4g}" for name, seen in self._seen.items())
                pace = (now - printed) / PRINT_STEPS
                print(f"{self.name} {self.step} of {until}: {figures}, {pace:.2f} s a step", flush=True)
                self._seen.clear()
                printed = now
            if now - saved > SAVE_SECONDS:
                self.save()
                saved = now
        self.save()

    def saw(self, **losses: Tensor | float) -> None:
        """Add to the means that are printed."""
        for name, loss in losses.items():
            self._seen[name].append(float(loss))

    def save(self) -> None:
        """Write everything down."""
        save_stage(self.work, self.name, self.step, {name: part.state_dict() for name, part in self._parts.items()})

    def figure(self, **figures: float) -> None:
        """Print what held-out clips say after the step at hand, and add it to WORK/figures.jsonl."""
        add_figures(self.work, self.name, self.step + 1, figures)


class Average:
    """The mean of a network's weights over the last steps: better than any of them, and what ships.

    Args:
        module: The network that learns.
        decay: How much of the mean stays at each step, once there were some.
    """

    def __init__(self, module: nn.Module, decay: float = 0.999) -> None:
        self._module = module
        self._decay = decay
        self._tensors = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the present weights."""
        new = self._module.state_dict()
        share = 1 - min(self._decay, (1 + step) / (10 + step))
        floats = [name for name, tensor in new.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([self._tensors[name] for name in floats], [new[name] for name in floats], share)
        for name in new.keys() - set(floats):
            self._tensors[name].copy_(new[name])

    def state_dict(self) -> dict[str, Tensor]:
        """The mean, under the names of the network."""
        return self._tensors

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on with another mean."""
        for name, tensor in state.items():
            self._tensors[name].copy_(tensor)


def in_half() -> torch.autocast:
    """Products in 16 bits, where the processor has them: elsewhere they would be slower than in floats."""
    return torch.autocast("cpu", torch.bfloat16, enabled=computes_bf16(torch.device("cpu")))


def stage_file(work: Path, name: str) -> Path:
    """Where a stage is saved."""
    return work / "stages" / f"{name}.pt"


def save_stage(work: Path, name: str, step: int, parts: Mapping[str, Any]) -> None:
    """Write down a stage; what is not among `parts` begins anew when it goes on."""
    content = io.BytesIO()
    torch.save({"step": step, "parts": dict(parts)}, content)
    publish(stage_file(work, name), content.getvalue())


def read_stage(work: Path, name: str) -> dict[str, Any] | None:
    """What a stage saved last; None where it has not begun."""
    path = stage_file(work, name)
    return torch.load(path, weights_only=True) if path.exists() else None


def learned(work: Path, name: str, part: str = "average") -> Any:
    """What a stage learned so far.

    Raises:
        SystemExit: It has not begun.
    """
    if (saved := read_stage(work, name)) is None:
        path = stage_file(work, name)
        raise SystemExit(f"{path}: nothing there; expected what {name} learned. Run python -m recipes.nano.{name}.")
    return saved["parts"][part]


def add_figures(work: Path, stage: str, step: int, figures: Mapping[str, float]) -> None:
    """Print figures and add them to WORK/figures.jsonl."""
    rounded = {name: round(float(value), 4) for name, value in figures.items()}
    print(f"{stage} {step}: " + ", ".join(f"{name} {value:.4g}" for name, value in rounded.items()), flush=True)
    append_row(work / FIGURES, {"stage": stage, "step": step, **rounded})


def latest_figures(work: Path) -> list[dict[str, Any]]:
    """The last figures of each stage that learned, one row a stage."""
    latest: dict[str, dict[str, Any]] = {}
    for row in read_rows(work / FIGURES):
        if row["stage"] != "measure":  # of another model perhaps: it comes after the card
            latest[row["stage"]] = latest.get(row["stage"], {}) | row
    return list(latest.values())


def step_generator(step: int) -> torch.Generator:
    """Draws of one step alone."""
    return torch.Generator().manual_seed(step)

"""Everything that is looked at and tried, one after another."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from escuta.doctor import base_files, machine
from escuta.doctor.base_files import BaseModel
from escuta.doctor.child import Outcome, run_child
from escuta.doctor.gpu import Facts
from escuta.doctor.machine import Machine


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found on this machine."""

    machine: Machine
    facts: Facts | None
    """None where PyTorch cannot even be loaded; `torch_problem` says why."""
    torch_problem: str = ""
    base: BaseModel | None = None
    """The model that was asked about."""
    probes: dict[str, dict[str, Outcome]] | None = None
    """What became of each FFT, by GPU; None where PyTorch cannot be loaded."""
    proofs: dict[str, Outcome] | None = None
    """A training step and a sample, by GPU, or on the CPU where there is none; None where no model can be tried."""


def examine(folder: Path, base_name: str | None, progress: Callable[[int, int], None]) -> Examination:
    """Examine this machine.

    Args:
        folder: Where runs would be written.
        base_name: Of a base model; None tries everything with a small random one.
        progress: Called with how much is done, and of how much.
    """
    here = machine.look(folder)
    looked = run_child(["-m", "escuta.doctor.gpu"])
    if looked.status != "passed":
        return Examination(here, None, torch_problem=looked.message)
    from escuta.doctor.trials import probe_device, prove  # needs PyTorch

    facts = Facts.from_json(looked.found)
    gpus = [f"cuda:{index}" for index in range(len(facts.gpus))]
    devices = gpus or ["cpu"]
    base = base_files.look(base_name) if base_name else None
    probes: dict[str, dict[str, Outcome]] = {}
    proofs: dict[str, Outcome] = {}
    for device in gpus:
        progress(len(probes), len(gpus) + len(devices))
        probes[device] = probe_device(device)
    for device in devices if base is None or not base.problems else ():
        progress(len(probes) + len(proofs), len(gpus) + len(devices))
        proofs[device] = prove(base.folder if base else None, device)
    return Examination(here, facts, base=base, probes=probes, proofs=proofs)

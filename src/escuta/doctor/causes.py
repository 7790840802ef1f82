"""The six known causes of cuFFT errors, and which of them are at work on this machine.

Source: the public threads named beside each.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from escuta.doctor.child import Outcome
from escuta.doctor.gpu import Facts
from escuta.doctor.match import cufft_lacks, is_zluda, mixed_libraries
from escuta.messages import _

Probes = Mapping[str, Outcome]
"""What became of each probe on one GPU."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One way in which an FFT on a GPU fails."""

    letter: str
    what: str
    remedy: str
    sources: tuple[str, ...]
    """Threads on GitHub, as owner/repository#number."""
    here: bool
    """Whether it is at work on this machine, or ready to be."""


def causes(facts: Facts, probes: Mapping[str, Probes]) -> list[Cause]:
    """List the six, marked by what was found here; `probes` by device."""
    cufft_by_device = list(probes.values())
    return [
        Cause(
            "A",
            _("CUDA 11.7 or older on Ada (RTX 40) or newer: its cuFFT fails there at every call."),
            _("Install a PyTorch for CUDA 11.8 or newer; for Blackwell (RTX 50), 12.8 or newer."),
            ("pytorch/pytorch#88038", "pytorch/pytorch#89556", "warpem/warp#178"),
            any(cufft_lacks(facts, gpu) for gpu in facts.gpus),
        ),
        Cause(
            "B",
            _("The GPU's memory is nearly full when cuFFT plans a transform: cuFFT takes some of its own."),
            _("Smaller batches, or no FFT on the GPU: escuta's way."),
            ("pytorch/pytorch#119420", "rwth-i6/returnn#1465", "OHF-Voice/piper1-gpl#139"),
            any(fails_when_full(one) for one in cufft_by_device),
        ),
        Cause(
            "C",
            _("A plan that failed once spoils later ones in the same process, even when memory is free again."),
            _("Start the process anew; catching the error and trying again is no cure."),
            ("cupy/cupy#3777",),
            any(stays_broken(one) for one in cufft_by_device),
        ),
        Cause(
            "D",
            _("An earlier fault on the GPU, as an index out of range, is noticed only at the FFT."),
            _("Run once with CUDA_LAUNCH_BLOCKING=1 and mend the error that then comes first."),
            ("pytorch/pytorch#120902",),
            any(_earlier_fault(outcome) for one in cufft_by_device for outcome in one.values()),
        ),
        Cause(
            "E",
            _("CUDA libraries of several versions or origins are mixed."),
            _("Make a new environment with one PyTorch, and empty LD_LIBRARY_PATH."),
            ("pytorch/pytorch#147001", "pytorch/pytorch#80637"),
            mixed_libraries(facts),
        ),
        Cause(
            "F",
            _("CUDA is imitated on a GPU of another make (ZLUDA), without cuFFT."),
            _("Train on the CPU, or on an NVIDIA GPU."),
            ("vosen/ZLUDA#247",),
            is_zluda(facts),
        ),
    ]


def fails_when_full(probes: Probes) -> bool:
    """Whether a transform that passes fails when memory is nearly full."""
    full = [name for name, outcome in probes.items() if name.startswith("full-") and _failed(outcome)]
    return any(
        (normal := probes.get(name.replace("full-", "stft-"))) is not None and normal.status == "passed"
        for name in full
    )


def stays_broken(probes: Probes) -> bool:
    """Whether a transform that failed failed again when memory was free."""
    return any(outcome.found.get("again", "passed") != "passed" for outcome in probes.values())


def _failed(outcome: Outcome) -> bool:
    """Whether cuFFT gave up, or the process; PyTorch's own "out of memory" says what it is, and is no riddle."""
    return outcome.status in ("died", "hung") or (outcome.status == "failed" and "cuFFT" in outcome.message)


def _earlier_fault(outcome: Outcome) -> bool:
    return any(words in outcome.message for words in ("device-side assert", "illegal memory access"))

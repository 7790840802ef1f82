"""What may crash, each in a process of its own: FFTs on a GPU, and a training step with a sample."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from escuta.doctor import cufft
from escuta.doctor.child import Outcome, run_child
from escuta.messages import _
from escuta.models.xtts.newborn import make_newborn

PROBES = tuple(cufft.PROBES)

PROBE_TIMEOUT_SECONDS = 120.0
"""Of a single FFT. A first start of CUDA takes seconds."""


def probe_device(
    device: str, names: Sequence[str] = PROBES, timeout_seconds: float = PROBE_TIMEOUT_SECONDS
) -> dict[str, Outcome]:
    """Make probes on `device`, each in a fresh process; after one that hung, none."""
    found: dict[str, Outcome] = {}
    for name in names:
        if any(outcome.status == "hung" for outcome in found.values()):
            found[name] = Outcome("skipped", _("an earlier one hung"))
        else:
            found[name] = run_child([cufft.__file__, "--device", device, "--probe", name], timeout_seconds)
    return found


def prove(base: Path | None, device: str) -> Outcome:
    """Make a training step and a sample on `device`, with the model in `base` or a small random one."""
    with TemporaryDirectory() as temporary:
        if base is None:
            make_newborn(Path(temporary), seed=0)
        return run_child(["-m", "escuta.doctor.escape", str(base or temporary), device])

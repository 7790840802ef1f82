"""Whether this machine can compile a model; not every one has what PyTorch's compiler calls."""

import torch


def compiler_refusal(device: torch.device) -> str | None:
    """Compile something tiny on `device`, and say in a few words why that fails; None where it works."""
    try:
        torch.compile(lambda x: x + 1)(torch.zeros(1, device=device))
    except (RuntimeError, ImportError, OSError) as error:
        return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return None

"""Which precision a family of models speaks in, where nobody asks for another: the fastest that was found faithful."""

from collections.abc import Mapping

import torch

from escuta.engine.faithfulness import Asked
from escuta.engine.linear import Precision
from escuta.models.families import Family

BEST: Mapping[str, Precision] = {"cpu": "int8", "cuda": "bf16"}
"""On each kind of device; exact elsewhere."""


def precision_for(asked: Asked, device: str, family: Family = "xtts") -> Precision:
    """The precision to begin with on a kind of device.

    XTTS says one code after another and waits for memory, which 8 bits halve. F5 multiplies a thousand frames at once
    and waits for products: there bf16 with AMX is up to four times as fast as the 8-bit kernels of PyTorch 2.13, which
    bring 8 bits to and from floats around each product.
    """
    if asked != "auto":
        return asked
    if (device, family) == ("cpu", "f5") and torch.cpu.get_capabilities().get("amx_bf16", False):
        return "bf16"
    return BEST.get(device, "exact")

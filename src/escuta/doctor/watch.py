"""Which FFTs ran, and where: whatever code called them."""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class FftWatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While entered, notes every FFT of this thread: torch.fft, stft and istft all end in the same few operators."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ffts: list[tuple[str, str]] = []
        """Operator and kind of device, in order."""

    @property
    def off_the_cpu(self) -> list[tuple[str, str]]:
        """Those that did not run on the CPU."""
        return [(name, device) for name, device in self.ffts if device != "cpu"]

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Note an FFT, and run whatever it is."""
        operator: Callable[..., Any] = func
        if "fft" in func.name() or "stft" in func.name():  # stft stays whole in inference mode
            tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
            self.ffts.append((func.name(), tensors[0].device.type if tensors else "cpu"))
        return operator(*args, **(kwargs or {}))

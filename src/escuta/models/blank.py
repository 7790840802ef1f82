"""Modules that are about to be filled from a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

_FILLS = {Tensor.fill_, Tensor.zero_, Tensor.uniform_, Tensor.normal_}


@contextmanager
def blank() -> Iterator[None]:
    """Build modules without drawing first weights for them: their memory is reserved, not touched.

    PyTorch's `meta` device would do as well, but first imports the compiler, which takes 0.9 s. Modules must draw by
    `nn.init`, not by `torch.randn`.
    """
    with _Unfilled():
        yield


class _Unfilled(TorchFunctionMode):
    def __torch_function__(
        self,
        function: Callable[..., Any],
        _types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if function in _FILLS or getattr(function, "__module__", None) == "torch.nn.init":
            return args[0] if args else (kwargs or {})["tensor"]
        return function(*args, **(kwargs or {}))

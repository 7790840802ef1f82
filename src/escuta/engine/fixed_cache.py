"""A cache whose shapes never change, so that a GPU takes a step as one CUDA graph.

A step of a GPT is some 400 small kernels; told one by one, a GPU waits for Python most of the time. A graph holds them
all, with their addresses: every step writes at a position that lies on the device, and looks at the whole allocation
through a mask. A row that has ended stays, computes on and is not looked at.

Shapes: B batch, H heads, S positions allocated, W head width, D width; 2 is keys, then values.
"""

import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from escuta.engine.cache import Step, next_length
from escuta.messages import _

ALIGNMENT = 16
"""Positions are allocated in multiples of this: kernels of attention read masks in aligned pieces."""

WARM_UPS = 3
"""Steps before a capture, for libraries to set themselves up; as in PyTorch's notes on CUDA graphs."""


class FixedCache:
    """One tensor a layer, of which every step sees all. On a CUDA device its first step is captured, for the others.

    Args:
        num_layers: Of the model.
        prompt_lengths: Of every row, in positions.
        num_new: Most positions that follow the prompts.
        shape_HW: Heads and their width.
        like: Whose device and type the cache has.
    """

    def __init__(
        self, num_layers: int, prompt_lengths: Sequence[int], num_new: int, shape_HW: tuple[int, int], like: Tensor
    ) -> None:
        self.length = max(prompt_lengths)
        self._limit = self.length + num_new
        self._starts = [self.length - length for length in prompt_lengths]
        num_heads, width = shape_HW
        num_rows, allocated = len(prompt_lengths), -(-self._limit // ALIGNMENT) * ALIGNMENT
        # Zeros, as what is masked is weighed by zero, but what lay in memory may be no number.
        self.layers = [like.new_zeros(2, num_rows, num_heads, allocated, width) for _ in range(num_layers)]
        self.mask_B11S = like.new_full((num_rows, 1, 1, allocated), -torch.inf)
        for row, start in enumerate(self._starts):
            self.mask_B11S[row, ..., start : self.length] = 0
        self._position = torch.zeros(1, dtype=torch.long, device=like.device)
        self._rows = torch.arange(num_rows, device=like.device)
        self._x_BD = like.new_zeros(num_rows, num_heads * width)
        self._replay: Callable[[], Tensor] | None = None
        self._may_capture = like.is_cuda

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def prompt(self, row: int) -> list[Tensor]:
        """Every layer's room for the prompt of one row, [2, 1, H, S, W]."""
        return [layer[:, row : row + 1, :, self._starts[row] : self.length] for layer in self.layers]

    def advance(self, step: Step, x_BD: Tensor) -> Tensor:
        """Make room for one more position of every row and take the step; `step` is always the same one.

        Raises:
            ValueError: More positions than were allocated.
        """
        self.length = next_length(self.length, self._limit)
        self._position.fill_(self.length - 1)
        self.mask_B11S.index_fill_(3, self._position, 0)
        self._x_BD.index_copy_(0, self._rows, x_BD)
        if self._may_capture and not self._replay:
            self._capture(step)
        hidden_BD = self._replay() if self._replay else step(self._x_BD, self)
        return hidden_BD.index_select(0, self._rows)  # a copy: the next step overwrites what a graph gives

    def write(self, layer_2BHSW: Tensor, new_2BH1W: Tensor) -> None:
        """Put a layer's keys and values at the new position."""
        layer_2BHSW.index_copy_(3, self._position, new_2BH1W)

    def keep(self, rows: Sequence[int]) -> None:
        """Let all rows but these go; `rows` ascend."""
        self._rows = self._rows[list(rows)]

    def _capture(self, step: Step) -> None:
        device = self._x_BD.device
        try:
            self._replay = captured(lambda: step(self._x_BD, self), device)
        except RuntimeError as error:
            self._may_capture = False
            why = str(error).partition("\n")[0]
            warnings.warn(
                _("{device}: decoding cannot be captured as a CUDA graph ({why}); it goes on without, slower.").format(
                    device=device, why=why
                ),
                stacklevel=2,
            )


def captured(run: Callable[[], Tensor], device: torch.device) -> Callable[[], Tensor]:
    """Record what `run` has a CUDA device do; what is returned has it done again, at the same addresses.

    `run` is called a few times: it must do the same each time.

    Source: PyTorch, "CUDA semantics: CUDA Graphs".
    """
    with torch.cuda.device(device):
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _warm_up in range(WARM_UPS):
                run()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # What other threads do meanwhile (a trainer's, where it speaks itself) is no part of it, and no fault.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            result = run()

    def replay() -> Tensor:  # holds no `run`, which holds the cache: nothing keeps a device's memory in a circle
        graph.replay()
        return result

    return replay

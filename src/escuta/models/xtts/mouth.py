"""The decoder that speaks: the base's, or a checkpoint's own; its weight norms folded, packed where that is faster."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from escuta.engine.linear import Precision, computes_bf16
from escuta.models.blank import blank
from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.decoder import WaveformDecoder


class Mouth:
    """A decoder ready to speak.

    Args:
        config: Of the model.
        tensors: Of the decoder, by its own names.
    """

    def __init__(self, config: XttsConfig, tensors: Mapping[str, Tensor]) -> None:
        self._config = config
        self._packed: WaveformDecoder | None = None
        self._is_bases = True
        self._take(tensors)

    def change(self, tuned: Mapping[str, Tensor] | None, base: Callable[[], Mapping[str, Tensor]]) -> None:
        """Speak from now on with a checkpoint's decoder, or with the base's where it has none."""
        if tuned is not None or not self._is_bases:
            self._take(base() if tuned is None else tuned)
            self._is_bases = tuned is None

    def decoder(self, precision: Precision, device: torch.device) -> WaveformDecoder:
        """The decoder as it speaks with packed weights, or exact ones, of the language model."""
        self._exact.to(device)
        if precision == "exact" or not computes_bf16(device):
            return self._exact
        self._packed = self._packed or self._exact.packed()
        return self._packed

    def _take(self, tensors: Mapping[str, Tensor]) -> None:
        with blank():
            decoder = WaveformDecoder(self._config).eval()
        # Copies, as the last bits of sums depend on where a tensor begins, and in a file that is anywhere.
        decoder.load_state_dict({name: tensor.clone() for name, tensor in tensors.items()}, assign=True)
        self._exact, self._packed = decoder.folded(), None

"""The training process speaks itself, between two steps."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

from escuta.engine.linear import Precision
from escuta.errors import EscutaError
from escuta.messages import _
from escuta.models.base import Reference, VoiceModel
from escuta.models.precision import precision_for
from escuta.sampling.job import SampleJob, SampleResult, cause
from escuta.sampling.speaker import SpeakerBroken
from escuta.sampling.speaking import speak_live

FREE_GPU_BYTES = 1 << 30
"""Least free GPU memory to speak in: caches and the decoder's activations of one long sentence at release size."""


class InlineSpeaker:
    """Speak with the model in training; its weights of the moment are the checkpoint's.

    They speak as they are on a CPU, where packing would take longer than it saves and memory that training needs; on a
    GPU in bfloat16 unless another precision is asked for.

    Args:
        model: The model in training, with all that speaking needs.
        speaking: For as long as this is entered, the model has the weights that speak.
    """

    mode = "inline"

    def __init__(self, model: VoiceModel, speaking: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._model = model
        self._speaking = speaking
        self._tensor_device = next(iter(model.trained_tensors().values())).device
        self.device = str(self._tensor_device)
        self._references: dict[Path, Reference] = {}
        self._results: list[SampleResult] = []

    def submit(self, job: SampleJob) -> None:
        """Speak `job` now with the weights that training has now."""
        device = self._tensor_device
        precision: Precision = "exact"
        if device.type == "cuda":
            needed = FREE_GPU_BYTES
            if precision_for(job.precision, device.type, self._model.family) == "bf16":
                precision = "bf16"
                needed += sum(2 * tensor.numel() for tensor in self._model.trained_tensors().values())
            unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # kept by PyTorch
            if (free := torch.cuda.mem_get_info(device)[0] + unused) < needed:
                reason = _("{free:.1f} GB of GPU memory are free; speaking there needs {needed:.1f} GB")
                raise SpeakerBroken(reason.format(free=free / 1e9, needed=needed / 1e9), [job])
        try:
            with self._speaking():
                result = speak_live(self._model, job, mode=self.mode, precision=precision, references=self._references)
        except (EscutaError, OSError) as error:
            result = SampleResult.unspoken(job, mode=self.mode, status="failed", reason=cause(error))
        except (RuntimeError, MemoryError) as error:  # out of GPU memory, or a kernel that is missing here
            raise SpeakerBroken(cause(error), [job]) from error
        self._results.append(result)

    def results(self) -> list[SampleResult]:
        """What was finished since the last call."""
        finished, self._results = self._results, []
        return finished

    def waiting(self) -> list[SampleJob]:
        """Nothing ever waits."""
        return []

    def close(self) -> None:
        """Nothing to end."""

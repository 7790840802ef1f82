"""The proof that no FFT on a GPU is needed: features on the CPU, the same sample made on both.

    python -m escuta.doctor.escape FOLDER cuda:0

Shapes: B batch, T points.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from escuta.audio.files import read_audio
from escuta.data.demo import DEMO_VOICE
from escuta.doctor.watch import FftWatch
from escuta.errors import EscutaError
from escuta.models.base import Features, Generation, Reference, Spoken, VoiceModel
from escuta.models.load import load_model

CLIP = "allison_001"
TEXT = "Good morning."
LANGUAGE = "en"

TOLERANCE = 0.01
"""Root mean square of the difference, over that of the sample: 40 dB below the voice. GPUs round the factors of a
convolution to 11 bits (TF32, PyTorch's default), each by up to 0.05 %.
"""


def prove(folder: Path, device: str) -> dict[str, Any]:
    """Make a training step and a sample on `device`, with features of the CPU, and compare with the CPU's sample.

    Raises:
        EscutaError: The model in `folder` cannot be used, or there is no such device.
    """
    on_cpu = load_model(folder, uses=["features", "speaking"])
    recording_T = torch.from_numpy(read_audio(DEMO_VOICE / "wavs" / f"{CLIP}.flac", on_cpu.input_sample_rate))
    with FftWatch() as watch:
        features = on_cpu.features(recording_T, TEXT, LANGUAGE)
        reference = on_cpu.reference(recording_T, TEXT)
        expected = _speak(on_cpu, reference)
        del on_cpu  # two of release size need not fit beside each other
        on_device = load_model(folder, uses=["training", "speaking"], device=device)
        started = time.perf_counter()
        found = _speak(on_device, reference)
        seconds = time.perf_counter() - started
        loss = _train(on_device, features, device)
    finite = bool(found.wav_T.isfinite().all()) and loss is not None
    return {
        "status": "passed" if finite and not watch.off_the_cpu else "failed",
        "message": "" if finite else "not a number",
        "loss": loss,
        "audio_seconds": round(len(found.wav_T) / found.sample_rate, 2),
        "seconds": round(seconds, 2),
        "ffts_on_cpu": len(watch.ffts) - len(watch.off_the_cpu),
        "ffts_off_the_cpu": len(watch.off_the_cpu),
        **compare(found.wav_T, expected.wav_T, found.sample_rate),
    }


def compare(found_T: Tensor, expected_T: Tensor, sample_rate: int) -> dict[str, Any]:
    """How much two samples differ, and for how many seconds they are the same within the tolerance."""
    num_points = min(len(found_T), len(expected_T))
    off_T = (found_T[:num_points] - expected_T[:num_points]).square().cumsum(0, dtype=torch.float64)
    loud_T = expected_T[:num_points].square().cumsum(0, dtype=torch.float64)
    ratio_T = (off_T / loud_T.clamp(min=1e-12)).sqrt()
    differing = (ratio_T > TOLERANCE).nonzero()
    num_same = int(differing[0]) if len(differing) else num_points
    return {
        "relative_difference": float(ratio_T[-1]) if num_points else 0.0,
        "equal": len(found_T) == len(expected_T) and num_same == num_points,
        "same_seconds": round(num_same / sample_rate, 2),
    }


def _speak(model: VoiceModel, reference: Reference) -> Spoken:
    return model.speak(TEXT, reference, language=LANGUAGE, generation=Generation(greedy=True), seed=0)


def _train(model: VoiceModel, features: Features, device: str) -> float | None:
    """Loss of one clip, when it and all its gradients are finite."""
    batch = {name: tensor.to(device) for name, tensor in model.collate([features], None).items()}
    network = model.trainable.train()
    loss: Tensor = network(batch)["loss"]
    loss.backward()  # type: ignore[no-untyped-call]
    sound = all(one.grad is None or bool(one.grad.isfinite().all()) for one in network.parameters())
    return round(loss.item(), 4) if sound and bool(loss.isfinite()) else None


def main(folder: str, device: str) -> None:
    """Print the proof as one line of JSON."""
    try:
        found = prove(Path(folder), device)
    except (EscutaError, RuntimeError) as error:  # out of memory and CUDA's errors are RuntimeErrors
        found = {"status": "failed", "message": next(iter(str(error).splitlines()), "")}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])

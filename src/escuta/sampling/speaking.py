"""A job becomes files: the one place where a checkpoint is heard, whoever asks."""

import hashlib
import json
import platform
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from escuta import __version__
from escuta.audio.files import read_audio, write_wav
from escuta.data.sentences import MIN_REFERENCE_SECONDS
from escuta.errors import AudioError
from escuta.messages import _
from escuta.models.base import Reference, Spoken, VoiceModel
from escuta.run.checkpoints import read_checkpoint
from escuta.run.publish import publish_copy, publish_text, publishing
from escuta.sampling.job import SampleJob, SampleResult


class Voice:
    """A model that takes one checkpoint after another and speaks with it.

    Args:
        model: The base model with all that speaking needs.
        mode: Who speaks; noted in the samples.
        progress: Called now and then while speaking, as a sign of life.
    """

    def __init__(self, model: VoiceModel, mode: str, progress: Callable[[], None] | None = None) -> None:
        self._model = model
        self._mode = mode
        self._progress = progress
        self._base = model.trained_tensors()
        self._references: dict[Path, Reference] = {}

    def speak(self, job: SampleJob) -> SampleResult:
        """Speak all sentences of `job` and write its files.

        Raises:
            EscutaError: The checkpoint, the reference or a sentence cannot be used.
            OSError: The files cannot be written.
        """
        tensors = read_checkpoint(job.checkpoint).model if job.checkpoint else self._base
        self._model.load_trained(tensors, where=str(job.checkpoint or _("base model")))
        return speak_live(self._model, job, mode=self._mode, references=self._references, progress=self._progress)


def speak_live(
    model: VoiceModel,
    job: SampleJob,
    *,
    mode: str,
    references: dict[Path, Reference],
    progress: Callable[[], None] | None = None,
) -> SampleResult:
    """Speak `job` with the weights that `model` has now; `references` is filled with what is worth keeping."""
    started = time.perf_counter()
    if job.reference not in references:
        references[job.reference] = read_reference(model, job.reference)
    spoken: list[tuple[str, Spoken, float]] = []
    for sentence in job.sentences:
        begun = time.perf_counter()
        spoken.append(
            (
                sentence,
                model.speak(
                    sentence,
                    references[job.reference],
                    language=job.language,
                    generation=job.generation,
                    seed=job.seed,
                    progress=progress,
                ),
                time.perf_counter() - begun,
            )
        )
    names = _write_files(job, spoken, mode=mode, model=model)
    return SampleResult(
        name=job.name,
        epoch=job.epoch,
        step=job.step,
        status="spoken",
        mode=mode,
        seconds=round(time.perf_counter() - started, 3),
        audio_seconds=round(sum(len(said.wav_T) / said.sample_rate for _sentence, said, _seconds in spoken), 3),
        files=names,
        best=job.best,
    )


def read_reference(model: VoiceModel, path: Path) -> Reference:
    """Read a reference recording into what `model` clones a voice from.

    Raises:
        AudioError: It cannot be read, or is too short to clone from.
    """
    wav_T = torch.from_numpy(read_audio(path, model.input_sample_rate))
    seconds = len(wav_T) / model.input_sample_rate
    if seconds < MIN_REFERENCE_SECONDS:
        raise AudioError(
            _("{path}: lasts {seconds:.2f} s; a reference lasts {minimum:g} s or more. Choose a longer one.").format(
                path=path, seconds=seconds, minimum=MIN_REFERENCE_SECONDS
            )
        )
    return model.reference(wav_T)


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of trained tensors: names, shapes and bytes. Two samples with one fingerprint had the same weights."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _write_files(
    job: SampleJob, spoken: list[tuple[str, Spoken, float]], *, mode: str, model: VoiceModel
) -> tuple[str, ...]:
    described: list[dict[str, Any]] = []
    for number, (sentence, said, seconds) in enumerate(spoken, 1):
        name = f"{job.name}_output.wav" if number == 1 else f"{job.name}_output_{number:02d}.wav"
        write_wav(job.folder / name, said.wav_T.numpy(), job.sample_rate, source_rate=said.sample_rate)
        described.append(
            {
                "file": name,
                "text": sentence,
                "seconds": round(seconds, 3),
                "audio_seconds": round(len(said.wav_T) / said.sample_rate, 3),
                "stop": said.stop,
                "num_codes": said.num_codes,
                "num_pieces": said.num_sentences,
            }
        )
    reference = f"{job.name}_reference.wav"
    _write_reference(job, job.folder / reference)
    weights = model.trained_tensors()
    about = {
        "name": job.name,
        "epoch": job.epoch,
        "step": job.step,
        "checkpoint": job.checkpoint.name if job.checkpoint else None,
        "weights": fingerprint(weights),
        "mode": mode,
        "device": next(iter(weights.values())).device.type,
        "precision": "fp32",
        "language": job.language,
        "reference": reference,
        "reference_source": str(job.reference),
        "seed": job.seed,
        "generation": asdict(spoken[0][1].generation),
        "sample_rate": job.sample_rate,
        "escuta": __version__,
        "torch": torch.__version__,
        "machine": platform.machine(),
        "sentences": described,
        "scores": {},
    }
    publish_text(job.folder / f"{job.name}.json", json.dumps(about, ensure_ascii=False, indent=2) + "\n")
    names = tuple(str(one["file"]) for one in described)
    if job.best:
        _keep_as_best(job, (*names, reference, f"{job.name}.json"))
    return names


def _write_reference(job: SampleJob, target: Path) -> None:
    """Copy the reference as it is when it is a wav, else decoded: the name says wav, so the content is."""
    if job.reference.suffix.lower() == ".wav":
        with publishing(target) as partial:
            shutil.copyfile(job.reference, partial)
    else:
        write_wav(target, read_audio(job.reference, job.sample_rate), job.sample_rate, source_rate=job.sample_rate)


def _keep_as_best(job: SampleJob, names: tuple[str, ...]) -> None:
    best = job.folder / "best"
    for name in names:
        publish_copy(job.folder / name, best / name)
    for path in best.iterdir():
        if path.name not in names and not path.name.startswith("."):
            path.unlink()

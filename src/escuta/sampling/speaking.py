"""A job becomes files: the one place where a checkpoint is heard, whoever asks."""

import json
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from escuta import __version__
from escuta.audio.files import read_audio, write_wav
from escuta.data.checks import SILENT_DB, peak_db
from escuta.data.sentences import MIN_REFERENCE_SECONDS
from escuta.engine.faithfulness import Asked, Trust
from escuta.engine.linear import Precision
from escuta.errors import AudioError
from escuta.messages import _
from escuta.models.base import Reference, Spoken, VoiceModel
from escuta.run.checkpoints import read_weights
from escuta.run.held_out import read_held_out
from escuta.run.publish import publish_copy, publish_text, publishing
from escuta.run.staging import StagedTensors, StagingMoved
from escuta.sampling.fingerprint import Witnessed, fingerprint
from escuta.sampling.job import SampleJob, SampleResult
from escuta.sampling.trust import recall


@dataclass(frozen=True, slots=True)
class Told:
    """A job that was spoken, as its JSON tells it."""

    job: SampleJob
    said: list[Spoken]
    """Sentence by sentence, with each seed again."""
    seconds: float
    """Taken to say them all, at once."""
    weights: str
    """Their fingerprint."""
    mode: str
    device: str
    """Kind of device that spoke."""


class _GaveWay(Exception):
    """A measurement was left because somebody waits."""


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
        self._trust: dict[tuple[Path, Asked], Trust] = {}
        self._newest: Told | None = None

    def speak(self, job: SampleJob) -> SampleResult:
        """Speak all sentences of `job` and write its files.

        Raises:
            EscutaError: The checkpoint, the reference or a sentence cannot be used.
            OSError: The files cannot be written.
        """
        started = time.perf_counter()
        self._newest = None
        trust = self._trust_in(job)
        weights = self._load(job, trust.used)
        said, seconds = _say(self._model, job, self._references, self._progress)
        self._newest = Told(job, said, seconds, weights, self._mode, self._model.device.type)
        trust.samples_since += 1
        return _publish(self._newest, trust, started)

    @property
    def unchecked(self) -> bool:
        """Whether nobody knows yet how faithful the packed weights are that spoke last."""
        return self._newest is not None and self._trust_in(self._newest.job).difference is None

    def check(self, gives_way: Callable[[], bool] = lambda: False) -> None:
        """Measure whether the packed weights that spoke last are faithful, where that is due; else speak again.

        The sample's JSON then tells the outcome. Without held-out clips nothing can be measured, and it says so.

        Args:
            gives_way: Asked now and then while measuring; once it says so, it is left for another sample.

        Raises:
            EscutaError: The checkpoint cannot be used any more.
            OSError: The files cannot be written.
        """
        told, self._newest = self._newest, None
        if told is None or not (trust := self._trust_in(told.job)).due():
            return
        clips = read_held_out(told.job.held_out) if told.job.held_out else []
        if not clips:
            return
        started, used = time.perf_counter(), trust.used
        progress = partial(self._go_on, gives_way)
        try:
            while trust.used != "exact":
                difference = self._difference(told.job, trust.used, clips, progress)
                if trust.judge(told.job.name, difference):
                    break
                self._load(told.job, trust.used)
        except _GaveWay:
            if trust.used == used:
                return
        if trust.used != used:
            said, seconds = _say(self._model, told.job, self._references, self._progress)
            told = Told(told.job, said, seconds, told.weights, told.mode, told.device)
            _publish(told, trust, started)
        else:
            _publish_about(told, trust)

    def _trust_in(self, job: SampleJob) -> Trust:
        key = job.folder, job.precision
        if key not in self._trust:
            self._trust[key] = recall(job.folder, job.precision, self._model.device.type, self._model.family)
        return self._trust[key]

    def _load(self, job: SampleJob, precision: Precision) -> str:
        """Take the weights of `job`, and return their fingerprint."""
        for weights in self._sources(job):
            try:
                witnessed = Witnessed(weights())
                self._model.load_trained(witnessed, where=str(job.checkpoint or _("base model")))
                self._model.pack(precision)
                return witnessed.fingerprint()
            except StagingMoved:
                continue
        raise AssertionError("the last source is a file, which never moves")

    def _sources(self, job: SampleJob) -> Iterator[Callable[[], Mapping[str, Tensor]]]:
        """Where the weights of `job` may be, the nearest first."""
        if staged := job.staged:
            yield lambda: StagedTensors(staged)
        checkpoint = job.checkpoint
        yield lambda: read_weights(checkpoint) if checkpoint else self._base

    def _difference(
        self, job: SampleJob, precision: Precision, clips: list[dict[str, Tensor]], progress: Callable[[], None]
    ) -> float:
        try:
            return self._model.difference(clips, progress)
        except StagingMoved:
            self._load(job, precision)
            return self._model.difference(clips, progress)

    def _go_on(self, gives_way: Callable[[], bool]) -> None:
        if self._progress:
            self._progress()
        if gives_way():
            raise _GaveWay


def speak_live(
    model: VoiceModel, job: SampleJob, *, mode: str, precision: Precision, references: dict[Path, Reference]
) -> SampleResult:
    """Speak `job` with the weights that `model` has now; `references` is filled with what is worth keeping."""
    started = time.perf_counter()
    model.pack(precision)
    try:
        said, seconds = _say(model, job, references, None)
    finally:
        model.pack("exact")
    told = Told(job, said, seconds, fingerprint(model.trained_tensors()), mode, model.device.type)
    return _publish(told, Trust(job.precision, precision), started)


def read_reference(model: VoiceModel, path: Path, text: str | None = None) -> Reference:
    """Read a reference recording into what `model` clones a voice from.

    Raises:
        AudioError: It cannot be read, is too short to clone from, or silent.
    """
    wav_T = read_audio(path, model.input_sample_rate)
    seconds = len(wav_T) / model.input_sample_rate
    if seconds < MIN_REFERENCE_SECONDS:
        raise AudioError(
            _("{path}: lasts {seconds:.2f} s; a reference lasts {minimum:g} s or more. Choose a longer one.").format(
                path=path, seconds=seconds, minimum=MIN_REFERENCE_SECONDS
            )
        )
    if peak_db(wav_T) < SILENT_DB:
        raise AudioError(_("{file}: silent; expected a voice to clone. Choose another one.").format(file=path))
    return model.reference(torch.from_numpy(wav_T), text)


def _say(
    model: VoiceModel, job: SampleJob, references: dict[Path, Reference], progress: Callable[[], None] | None
) -> tuple[list[Spoken], float]:
    """Say all sentences of `job` together, with one seed after another; return them with the seconds that took."""
    if job.reference not in references:
        references[job.reference] = read_reference(model, job.reference, job.reference_text)
    started = time.perf_counter()
    said: list[Spoken] = []
    for seed in job.seeds:
        said += model.speak_all(
            job.sentences,
            references[job.reference],
            language=job.language,
            generation=job.generation,
            seed=seed,
            progress=progress,
        )
    return said, time.perf_counter() - started


def _publish(told: Told, trust: Trust, started: float) -> SampleResult:
    """Write all files of a sample."""
    job = told.job
    for name, one in zip(_wavs(told), told.said, strict=True):
        write_wav(job.folder / name, one.wav_T.numpy(), job.sample_rate, source_rate=one.sample_rate)
    _write_reference(job, job.folder / _reference(job))
    _publish_about(told, trust)
    return SampleResult(
        name=job.name,
        epoch=job.epoch,
        step=job.step,
        status="spoken",
        mode=told.mode,
        seconds=round(time.perf_counter() - started, 3),
        audio_seconds=round(sum(_audio_seconds(one) for one in told.said), 3),
        files=_wavs(told),
        best=job.best,
    )


def _publish_about(told: Told, trust: Trust) -> None:
    """Write the JSON file of a sample, once all others are there; keep them as the best where they are."""
    job, about = told.job, f"{told.job.name}.json"
    publish_text(job.folder / about, json.dumps(_about(told, trust), ensure_ascii=False, indent=2) + "\n")
    if job.best:
        _keep_as_best(job, (*_wavs(told), _reference(job), about))


def _about(told: Told, trust: Trust) -> dict[str, Any]:
    job = told.job
    return {
        "name": job.name,
        "epoch": job.epoch,
        "step": job.step,
        "checkpoint": job.checkpoint.name if job.checkpoint else None,
        "weights": told.weights,
        "averaged": job.averaged,
        "mode": told.mode,
        "device": told.device,
        "precision": trust.to_json(),
        "language": job.language,
        "reference": _reference(job),
        "reference_source": str(job.reference),
        "seed": job.seed,
        "generation": asdict(told.said[0].generation),
        "sample_rate": job.sample_rate,
        "seconds": round(told.seconds, 3),
        "escuta": __version__,
        "torch": torch.__version__,
        "machine": platform.machine(),
        "sentences": [
            {
                "file": name,
                "text": text,
                "seed": seed,
                "audio_seconds": round(_audio_seconds(one), 3),
                "stop": one.stop,
                "num_codes": one.num_codes,
                "num_pieces": one.num_sentences,
                "notes": list(one.notes),
            }
            for name, (seed, text), one in zip(_wavs(told), product(job.seeds, job.sentences), told.said, strict=True)
        ],
        "scores": {},
    }


def _wavs(told: Told) -> tuple[str, ...]:
    job = told.job
    numbers = ["", *(f"_{number:02d}" for number in range(2, len(job.sentences) + 1))]
    seeds = ["", *(f"_seed_{seed}" for seed in job.seeds[1:])]
    return tuple(f"{job.name}_output{number}{seed}.wav" for seed, number in product(seeds, numbers))


def _reference(job: SampleJob) -> str:
    return f"{job.name}_reference.wav"


def _audio_seconds(one: Spoken) -> float:
    return len(one.wav_T) / one.sample_rate


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

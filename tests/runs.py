"""Small models, checkpoints and jobs for tests: everything real, nothing large or slow."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import soundfile
import torch

from escuta.models.load import load_model, model_fingerprint
from escuta.models.xtts.weights import load_weights, save_base
from escuta.run.checkpoints import Checkpoint, Progress, write_checkpoint
from escuta.run.folder import RunFolder
from escuta.sampling.job import SampleJob
from escuta.settings import ScoreSettings, Settings, settings_toml
from sounds import SAMPLE_RATE, speechlike

SENTENCES = ("Good evening.", "Seven old sailors count the waves.")


def make_quick_base(folder: Path, random_base: Path) -> Path:
    """Copy `random_base` into `folder` as a model that ends its sentences soon, so that speaking takes no time."""
    weights = load_weights(random_base)
    bias = weights.tensors["gpt.mel_head.bias"].clone()
    bias[weights.config.gpt.stop_audio_token] += 1
    tensors = {**weights.tensors, "gpt.mel_head.bias": bias}
    save_base(folder, weights.config, tensors, weights.files.vocab.read_text(encoding="utf-8"))
    return folder


def make_checkpoint(path: Path, base: Path, *, scale: float = 1.01, progress: Progress | None = None) -> Path:
    """Write a checkpoint of `base` whose matrices are `scale` times the base's, without any state of an optimizer."""
    model = load_model(base, uses=["training"])
    tensors = {
        name: tensor * scale if tensor.is_floating_point() and tensor.ndim > 1 else tensor
        for name, tensor in model.trained_tensors().items()
    }
    write_checkpoint(
        path,
        Checkpoint(
            family="xtts",
            base_fingerprint=model_fingerprint(base),
            progress=progress or Progress(epoch=1, step=4),
            val_loss=None,
            model=tensors,
            optimizer={},
            random_state={"cpu": torch.get_rng_state()},
        ),
    )
    return path


def make_reference(path: Path, seconds: float = 2.0) -> Path:
    """Write a recording to clone a voice from, in the format that the name's ending says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, speechlike(seconds, seed=99), SAMPLE_RATE, subtype="PCM_16")
    return path


def make_job(folder: Path, **changes: object) -> SampleJob:
    """A job of the base model whose files go to `folder`/samples, in the voice of a recording beside it."""
    job = SampleJob(
        name="epoch_1",
        epoch=1,
        step=4,
        checkpoint=None,
        folder=folder / "samples",
        best=False,
        sentences=SENTENCES[:1],
        reference=folder / "voice.wav",
        language="en",
    )
    if not job.reference.exists():
        make_reference(job.reference)
    return dataclasses.replace(job, **changes)  # type: ignore[arg-type]


def make_run(folder: Path, base: Path, *, epochs: int) -> RunFolder:
    """A run whose checkpoints were written and not spoken, one every four steps."""
    run = RunFolder(folder)
    run.samples.mkdir(parents=True)
    run.settings.write_text(settings_toml(Settings(seed=7, language="en", scores=ScoreSettings(num_seeds=1))))
    run.write_facts(
        {
            "language": "en",
            "base": {"folder": str(base)},
            "sentences": [{"text": text, "source": "audio_00001"} for text in SENTENCES],
            "reference": str(make_reference(folder.with_name("voice.wav"))),
        }
    )
    for epoch in range(1, epochs + 1):
        progress = Progress(epoch=epoch, step=4 * epoch)
        make_checkpoint(run.epoch_checkpoint(epoch), base, scale=1 + epoch / 100, progress=progress)
    return run


def until(condition: Callable[[], object], seconds: float = 90.0) -> None:
    """Wait until `condition` holds; fail when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"nothing happened within {seconds:.0f} s"
        time.sleep(0.01)

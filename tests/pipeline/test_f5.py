"""F5-TTS by the same commands: a training with averaged weights, a kill, and all that is made of it afterwards."""

import json

import pytest
import soundfile
import torch

from commands import children, escuta, gone, start_escuta
from escuta.models.f5.model import load_f5
from escuta.models.f5.packed import PackedDit
from escuta.models.f5.sampler import Utterance, drawn_noise, sample
from escuta.models.load import load_model
from escuta.run.checkpoints import read_checkpoint
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from escuta.sampling.fingerprint import fingerprint
from escuta.settings import TrainingSettings
from escuta.training.learner import Learner
from runs import until
from sounds import sentence, speechlike

SETTINGS = (
    *("training.device=cpu", "training.batch_seconds=4", "training.learning_rate=1e-4", "training.ema_decay=0.9"),
    *("sampling.num_sentences=1", "sampling.steps=2", "scores.enabled=false"),
)


@pytest.fixture(scope="module")
def command(dataset, f5_base):
    """The arguments of a training of two epochs."""

    def command(run, *more):
        chosen = [word for setting in SETTINGS for word in ("--set", setting)]
        return ["train", dataset, "--out", run.path, "--base", f5_base, "-l", "en", "--epochs", 2, *chosen, *more]

    return command


@pytest.fixture(scope="module")
def straight(command, tmp_path_factory):
    """A run that nobody disturbed."""
    run = RunFolder(tmp_path_factory.mktemp("straight") / "run")
    done = escuta(*command(run))
    assert (done.returncode, done.stderr) == (0, "")
    return run


def about(run, name):
    return json.loads((run.samples / f"{name}.json").read_text())


def events(run, kind):
    return [event for event in read_events(run.events) if event["event"] == kind]


def test_a_run_validates_keeps_and_speaks_its_average(straight, f5_base):
    assert read_checkpoint(straight.epoch_checkpoint(2)).family == "f5"
    losses = [event["val_loss"] for event in events(straight, "epoch")]
    assert losses == sorted(losses, reverse=True)
    base = fingerprint(load_model(f5_base, uses=["training"]).trained_tensors())
    assert (about(straight, "epoch_0")["weights"], about(straight, "epoch_0")["averaged"]) == (base, False)
    for epoch in (1, 2):
        told = about(straight, f"epoch_{epoch}")
        kept = read_checkpoint(straight.epoch_checkpoint(epoch))
        assert (told["weights"], told["averaged"], told["mode"]) == (fingerprint(kept.model), True, "background")
        assert told["generation"]["steps"] == 2
        live = {f"transformer.{name}": one for name, one in kept.optimizer["average"]["live"].items()}
        assert live.keys() == kept.model.keys()
        assert fingerprint(live) != told["weights"]
    assert "epoch_2_output.wav" in (straight.path / "report.html").read_text()


@pytest.mark.slow
def test_a_killed_training_resumes_to_the_same_weights_and_samples(command, straight, tmp_path):
    run = RunFolder(tmp_path / "run")
    training = start_escuta(*command(run))
    until(lambda: len(events(run, "sample_asked")) == 2)
    (sampler,) = children(training.pid, "escuta.sampling.worker")
    training.kill()
    training.communicate()
    until(lambda: gone(sampler))

    done = escuta(*command(run, "--resume"))

    assert (done.returncode, done.stderr) == (0, "")
    ended, expected = (read_checkpoint(one.epoch_checkpoint(2)) for one in (run, straight))
    assert fingerprint(ended.model) == fingerprint(expected.model)
    live = [one.optimizer["average"]["live"] for one in (ended, expected)]
    assert fingerprint(live[0]) == fingerprint(live[1])
    for path in straight.samples.glob("*.wav"):
        assert (run.samples / path.name).read_bytes() == path.read_bytes()


def test_checkpoints_are_spoken_later_and_exported_as_they_were_heard(straight, tmp_path):
    out, wav = tmp_path / "later", tmp_path / "said.wav"
    spoken = escuta("sample", straight.path, "--all", "--out", out)
    exported = escuta("export", straight.path, tmp_path / "model")
    said = escuta("say", "Good evening.", "--run", straight.path, "--out", wav)

    assert [(one.returncode, one.stderr) for one in (spoken, exported, said)] == [(0, "")] * 3
    for name in ("epoch_0", "epoch_1", "epoch_2"):
        again = json.loads((out / f"{name}.json").read_text())
        assert [again[key] for key in ("weights", "averaged")] == [
            about(straight, name)[key] for key in ("weights", "averaged")
        ]
        assert (out / f"{name}_output.wav").read_bytes() == (straight.samples / f"{name}_output.wav").read_bytes()
    best = load_f5(tmp_path / "model", uses=["speaking"], device="cpu")
    assert fingerprint(best.trained_tensors()) == fingerprint(read_checkpoint(straight.best_checkpoint).model)
    assert soundfile.info(wav).duration > 0.1


SHORT, LONG = (40, 2.5, 1.2), (300, 5.0, 2.0)
"""Steps, and what the losses and the distance fall by at least."""


@pytest.mark.parametrize(
    ("steps", "loss_factor", "distance_factor"), [SHORT, pytest.param(*LONG, marks=pytest.mark.slow)]
)
def test_a_few_clips_are_learned_by_heart(f5_base, steps, loss_factor, distance_factor):
    clips = _clips(f5_base, 24)
    learned, held_out = clips[:20], clips[20:]
    model = load_f5(f5_base, uses=["training"], device="cpu")
    settings = TrainingSettings(device="cpu", precision="fp32", learning_rate=3e-3)
    learner = Learner(model, settings, seed=0)
    batches = [[model.collate(some, None)] for some in (learned, held_out)]
    before = [*map(learner.validate, batches), _distance(model, learned)]

    for number in range(steps):
        learner.set_learning_rate(settings.learning_rate * min(1.0, number / 20, 0.01 + 2 * (1 - number / steps)))
        draw = torch.Generator().manual_seed(number)
        chosen = torch.randperm(len(learned), generator=draw)[:10].tolist()
        learner.step([model.collate([learned[place] for place in chosen], draw)])

    of_learned, of_held_out = (was / learner.validate(batch) for was, batch in zip(before, batches, strict=False))
    assert of_learned > loss_factor
    assert of_held_out > loss_factor
    assert before[2] / _distance(model, learned) > distance_factor


def _clips(base, count):
    """Of 0.8 s each, as the model learns from them."""
    model = load_f5(base, uses=["features"], device="cpu")
    wavs = [torch.from_numpy(speechlike(0.8, model.input_sample_rate, seed=number)) for number in range(count)]
    return [model.features(wav_T, sentence(number)[:12], "en") for number, wav_T in enumerate(wavs)]


def _distance(model, clips):
    """How far what the model says of learned clips, after their first third, is from what was said: in natural logs."""
    dit = PackedDit(model.trainable.config, "exact", model.trainable.state_dict())
    thirds = [len(clip["mel"]) // 3 for clip in clips[:4]]
    utterances = [
        Utterance(clip["mel"][:third], clip["text"], len(clip["mel"]), drawn_noise(len(clip["mel"]), seed))
        for seed, (clip, third) in enumerate(zip(clips, thirds, strict=False))
    ]
    said = sample(dit, utterances, num_steps=16, guidance=1.0)
    apart = [(one - clip["mel"])[third:] for one, clip, third in zip(said, clips, thirds, strict=False)]
    return float(torch.cat(apart).abs().mean())

"""Whole trainings in which the decoder learns too: its weights go wherever the language model's go."""

import json

import pytest
import torch

from commands import escuta, start_escuta
from escuta.models.load import load_model
from escuta.models.xtts.weights import PREFIXES, load_weights
from escuta.run.checkpoints import read_checkpoint
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from escuta.sampling.fingerprint import fingerprint
from runs import until

SETTINGS = ("training.device=cpu", "training.batch_size=1", "training.decoder_learning_rate=1e-3")


@pytest.fixture(scope="module")
def command(dataset, quick_base):
    """The arguments of a training of two epochs."""

    def command(run, *more):
        chosen = [word for setting in (*SETTINGS, "sampling.num_sentences=1") for word in ("--set", setting)]
        return ["train", dataset, "--out", run.path, "--base", quick_base, "--language", "en", *chosen, *more]

    return command


@pytest.fixture(scope="module")
def straight(command, tmp_path_factory):
    """A run of two epochs that nobody disturbed."""
    run = RunFolder(tmp_path_factory.mktemp("straight") / "run")
    done = escuta(*command(run, "--epochs", "2"))
    assert (done.returncode, done.stderr) == (0, "")
    return run


def decoder_of(tensors):
    return {name: tensor for name, tensor in tensors.items() if name.startswith(PREFIXES["decoder"])}


def losses(run):
    return [event["loss_sound"] for event in read_events(run.events) if event["event"] == "step"]


def test_every_sample_is_of_its_checkpoints_own_decoder(straight, quick_base):
    told = {name: json.loads((straight.samples / f"{name}.json").read_text()) for name in ("epoch_1", "epoch_2")}
    decoders = [decoder_of(load_weights(quick_base, ["decoder"]).tensors)]
    for name, about in told.items():
        model = read_checkpoint(straight.checkpoint(name)).model
        assert about["weights"] == fingerprint(model)
        decoders.append(decoder_of(model))

    assert len({fingerprint(one) for one in decoders}) == 3
    assert len({frozenset(one) for one in decoders}) == 1
    assert sum(losses(straight)[-8:]) < sum(losses(straight)[:8])


def test_an_export_has_the_decoder_that_was_heard(straight, tmp_path):
    done = escuta("export", straight.path, tmp_path / "export", "--checkpoint", "checkpoint_epoch_2.pt")

    assert done.returncode == 0, done.stderr
    exported = load_model(tmp_path / "export", uses=["training", "decoder_training"]).trained_tensors()
    learned = read_checkpoint(straight.checkpoint("epoch_2")).model
    assert exported.keys() == learned.keys()
    assert all(torch.equal(tensor, learned[name]) for name, tensor in exported.items())


@pytest.mark.slow
def test_a_killed_training_resumes_to_the_same_decoder(command, straight, tmp_path):
    run = RunFolder(tmp_path / "run")
    training = start_escuta(*command(run, "--epochs", "2"))
    until(lambda: len(losses(run)) > 8)
    training.kill()
    training.communicate()

    done = escuta(*command(run, "--epochs", "2", "--resume"))

    assert (done.returncode, done.stderr) == (0, "")
    ended, expected = (read_checkpoint(one.checkpoint("epoch_2")) for one in (run, straight))
    assert fingerprint(ended.model) == fingerprint(expected.model)
    assert (run.samples / "epoch_2_output.wav").read_bytes() == (straight.samples / "epoch_2_output.wav").read_bytes()

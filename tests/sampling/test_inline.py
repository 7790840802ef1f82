import json
import types
from dataclasses import replace

import pytest
import torch

from escuta.models.load import load_model
from escuta.run.checkpoints import read_checkpoint
from escuta.sampling.fingerprint import fingerprint
from escuta.sampling.inline import InlineSpeaker
from escuta.sampling.speaker import SpeakerBroken
from escuta.sampling.speaking import Voice
from runs import make_checkpoint, make_job


@pytest.fixture
def model(quick_base):
    return load_model(quick_base, uses=["training", "speaking"])


def test_the_sample_is_that_of_a_checkpoint_with_the_weights_of_the_moment(model, quick_base, tmp_path):
    checkpoint = make_checkpoint(tmp_path / "checkpoint_epoch_1.pt", quick_base)
    speaker = InlineSpeaker(model)
    with torch.no_grad():
        for name, tensor in model.trained_tensors().items():
            tensor.copy_(read_checkpoint(checkpoint).model[name])
    job = make_job(tmp_path, checkpoint=checkpoint)

    speaker.submit(job)

    assert [(result.status, result.mode) for result in speaker.results()] == [("spoken", "inline")]
    about = json.loads((job.folder / "epoch_1.json").read_text())
    assert about["precision"]["used"] == "exact"
    assert about["weights"] == fingerprint(read_checkpoint(checkpoint).model)
    inline = (job.folder / "epoch_1_output.wav").read_bytes()
    Voice(load_model(quick_base, uses=["speaking"]), "background").speak(replace(job, precision="exact"))
    assert (job.folder / "epoch_1_output.wav").read_bytes() == inline
    assert speaker.results() == speaker.waiting() == []


def test_training_goes_on_as_if_nothing_had_been_said(model, tmp_path):
    module = model.trainable
    module.train()
    module.final_norm.eval()
    module.text_head.weight.requires_grad_(False)
    module.mel_head(torch.ones(1, module.mel_head.in_features)).sum().backward()
    torch.manual_seed(5)
    before = {
        "modes": [part.training for part in module.modules()],
        "wanting": [parameter.requires_grad for parameter in module.parameters()],
        "random": torch.get_rng_state().tolist(),
        "gradients": {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None},
        "weights": fingerprint(model.trained_tensors()),
        "identities": [id(parameter) for parameter in module.parameters()],
    }
    speaker = InlineSpeaker(model)

    speaker.submit(make_job(tmp_path))

    assert [result.status for result in speaker.results()] == ["spoken"]
    assert [part.training for part in module.modules()] == before["modes"]
    assert [parameter.requires_grad for parameter in module.parameters()] == before["wanting"]
    assert torch.get_rng_state().tolist() == before["random"]
    gradients = {name: p.grad for name, p in module.named_parameters() if p.grad is not None}
    assert gradients.keys() == before["gradients"].keys()
    assert all(torch.equal(gradient, before["gradients"][name]) for name, gradient in gradients.items())
    assert fingerprint(model.trained_tensors()) == before["weights"]
    assert [id(parameter) for parameter in module.parameters()] == before["identities"]


def test_what_the_user_can_mend_is_a_failed_sample(model, tmp_path):
    speaker = InlineSpeaker(model)

    speaker.submit(make_job(tmp_path, sentences=("\N{SNOWMAN}",)))

    (result,) = speaker.results()
    assert (result.status, result.mode) == ("failed", "inline")
    assert "vocabulary lacks '\N{SNOWMAN}'" in result.reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("CUDA out of memory.\nTried to allocate 2 GiB"), "RuntimeError: CUDA out of memory."),
        (MemoryError(), "MemoryError: "),
    ],
)
def test_running_out_of_memory_breaks_it_and_hands_the_job_on(model, tmp_path, error, reason):
    speaker, job = InlineSpeaker(model), make_job(tmp_path)

    def run_out(*_args, **_options):
        raise error

    model.trainable.prompt = types.MethodType(run_out, model.trainable)
    model.trainable.train()

    with pytest.raises(SpeakerBroken) as broken:
        speaker.submit(job)

    assert broken.value.reason == reason
    assert broken.value.jobs == [job]
    assert all(part.training for part in model.trainable.modules())
    assert not (job.folder / "epoch_1.json").exists()
    speaker.close()


def test_it_says_where_it_computes(model):
    assert InlineSpeaker(model).device == "cpu"

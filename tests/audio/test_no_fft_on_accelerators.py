"""No FFT runs on an accelerator: everything on a device that is not the CPU is watched while it works.

`meta` stands for the accelerator: every operator runs there as on a GPU, but for the numbers. A watch that would let a
real FFT on it pass is caught first. tests/test_house_rules.py holds the other half: who may name an FFT at all.
"""

import pytest
import torch

from escuta.audio.files import read_audio
from escuta.data.demo import DEMO_VOICE
from escuta.doctor.watch import FftWatch
from escuta.models.base import Generation
from escuta.models.load import load_model

TEXT = "Good morning."


class Offender(torch.nn.Module):
    """A part of a model that makes its spectrogram wherever it is."""

    def forward(self, wav_BT):
        return torch.stft(wav_BT, 512, window=torch.hann_window(512, device=wav_BT.device), return_complex=True).abs()


def spectrum(device):
    return torch.zeros(1, 257, 9, dtype=torch.complex64, device=device)


FFTS = {
    "stft": lambda device: Offender()(torch.zeros(1, 4000, device=device)),
    "istft": lambda device: torch.istft(spectrum(device), 512, window=torch.hann_window(512, device=device)),
    "rfft": lambda device: torch.fft.rfft(torch.zeros(8, device=device)),
    "irfft": lambda device: torch.fft.irfft(torch.zeros(8, device=device)),
    "hfft": lambda device: torch.fft.hfft(torch.zeros(8, device=device)),
    "fft2": lambda device: torch.fft.fft2(torch.zeros(8, 8, device=device)),
    "scripted": lambda device: torch.ops.aten.fft_rfft(torch.zeros(8, device=device)),
}


@pytest.fixture(scope="module")
def features_and_reference(random_base):
    """Of one clip, as they are made on the CPU, with all FFTs that this took."""
    model = load_model(random_base, uses=["features", "speaking"])
    wav_T = torch.from_numpy(read_audio(DEMO_VOICE / "wavs" / "allison_001.flac", model.input_sample_rate))
    with FftWatch() as watch:
        features, reference = model.features(wav_T, TEXT, "en"), model.reference(wav_T)
    return features, reference, watch


@pytest.mark.parametrize("name", sorted(FFTS))
@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_the_watch_sees_a_real_fft_and_its_device(name, device):
    if (name, device) == ("istft", "meta"):
        pytest.skip("istft looks at its window's values, which meta has not")
    with FftWatch() as watch:
        FFTS[name](device)

    assert watch.ffts
    assert {where for _name, where in watch.ffts} == {device}
    assert watch.off_the_cpu == ([] if device == "cpu" else watch.ffts)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu")])
def test_the_watch_sees_an_fft_in_every_mode(mode):
    with mode(), FftWatch() as watch:
        Offender()(torch.zeros(1, 4000, device="meta"))

    assert [where for _name, where in watch.off_the_cpu] == ["meta"]


def test_the_watch_sees_an_fft_that_a_gradient_makes():
    wav_T = torch.zeros(8, device="meta", requires_grad=True)
    total = torch.fft.rfft(wav_T).abs().sum()
    with FftWatch() as watch:
        total.backward()

    assert [where for _name, where in watch.ffts] == ["meta"]


def test_features_and_references_make_their_ffts_on_the_cpu(features_and_reference):
    _features, _reference, watch = features_and_reference

    assert len(watch.ffts) >= 4  # the codes' mel, the conditioning's twice, the speaker's
    assert watch.off_the_cpu == []


def test_a_training_step_on_another_device_makes_no_fft(random_base, features_and_reference, monkeypatch):
    # Which targets count cannot be known without values: all of them are taken to.
    monkeypatch.setattr("torch.fx.experimental._config.meta_nonzero_assume_all_nonzero", True)
    features, _reference, _watch = features_and_reference
    model = load_model(random_base, uses=["training"])
    network = model.trainable.to("meta").train()
    batch = {name: tensor.to("meta") for name, tensor in model.collate([features], None).items()}
    batch["conditioning_lengths"] = batch["conditioning_lengths"].new_full(
        (1,), 60, device="cpu"
    )  # its values are read

    with FftWatch() as watch:
        loss = network(batch)["loss"]
        loss.backward()

    assert loss.device.type == "meta"
    assert all(one.grad is None or one.grad.device.type == "meta" for one in network.parameters())
    assert any(one.grad is not None for one in network.parameters())
    assert watch.ffts == []


def test_speaking_on_another_device_makes_no_fft_up_to_the_choice_of_the_first_code(
    random_base, features_and_reference
):
    _features, reference, _watch = features_and_reference
    model = load_model(random_base, uses=["training", "speaking"])
    model.trainable.to("meta")

    with FftWatch() as watch, pytest.raises(RuntimeError, match="meta tensor") as end:
        model.speak(TEXT, reference, language="en", generation=Generation(greedy=True), seed=0)

    assert "choose_codes" in [entry.name for entry in end.traceback]
    assert watch.ffts == []


def test_a_whole_training_step_and_sample_from_features_make_no_fft_at_all(random_base, features_and_reference):
    features, reference, _watch = features_and_reference
    model = load_model(random_base, uses=["training", "speaking"])

    with FftWatch() as watch:
        model.trainable.train()(model.collate([features], None))["loss"].backward()
        spoken = model.speak(TEXT, reference, language="en", generation=Generation(), seed=0)

    assert len(spoken.wav_T) > 0
    assert watch.ffts == []

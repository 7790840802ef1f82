import pytest
import torch

from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.voicer import Voicer
from tiny_xtts import TINY, drawn, tiny


@pytest.fixture
def voicer():
    return Voicer(TINY, tiny(Gpt), tiny(WaveformDecoder).state_dict())


def batch(num_codes=12):
    return {
        "text": torch.tensor([[5, 6, 7], [10, 11, 12]]),
        "text_lengths": torch.tensor([3, 3]),
        "codes": torch.arange(2 * num_codes).reshape(2, -1) % 60,
        "code_lengths": torch.tensor([num_codes, num_codes]),
        "ignored_codes": torch.tensor([[0, 2], [0, 2]]),
        "conditioning_mel": drawn(2, 80, 20),
        "conditioning_lengths": torch.tensor([20, 20]),
    }


def sounding(num_codes=12, first=3, crop=6):
    return batch(num_codes) | {
        "sound": 0.1 * drawn(2, int(crop * 1024 * 24000 / 22050)),
        "sound_codes": torch.arange(first, first + crop).expand(2, -1),
        "speaker": drawn(2, 12),
        "num_targets": torch.tensor([8.0, 28.0, 2.0]),
    }


def test_without_sound_it_is_the_language_model(voicer):
    assert voicer(batch()) == voicer.gpt(batch())
    with_sound = voicer(sounding())
    assert with_sound.pop("loss_sound").isfinite()
    assert with_sound == voicer.gpt(sounding())


def test_each_part_learns_from_its_own_loss_alone(voicer):
    losses = voicer(sounding())

    losses["loss_sound"].backward(retain_graph=True)
    assert all(weight.grad is not None for weight in voicer.decoder.parameters())
    assert all(weight.grad is None for weight in voicer.gpt.parameters())

    voicer.zero_grad()
    losses["loss"].backward()
    assert all(weight.grad is None for weight in voicer.decoder.parameters())
    assert all(weight.grad is not None for weight in voicer.gpt.parameters())


def test_the_decoder_hears_the_latents_of_the_crops_codes(voicer):
    heard = []
    voicer.decoder.register_forward_pre_hook(lambda _decoder, inputs: heard.append(inputs[0]))

    voicer(sounding(first=3, crop=6))

    latents_BPD, _losses = voicer.gpt.latents_and_losses(batch())
    assert torch.equal(heard[0], latents_BPD[:, 3:9])


def test_what_it_says_itself_is_no_loss_but_for_what_lies_around_the_crop(voicer):
    """A crop that it said as a part of the whole: the edges, which hear less, do not count."""
    latents_BPD, _losses = voicer.gpt.latents_and_losses(batch())
    said_BT = voicer.decoder(latents_BPD[:, :12], drawn(2, 12)).detach()
    points_per_code = 1024 * 24000 / 22050
    first, crop = 3, 6
    start, length = round(first * points_per_code), int(crop * points_per_code)

    own = sounding(first=first, crop=crop) | {"sound": said_BT[:, start : start + length]}
    strange = sounding(first=first, crop=crop) | {"sound": said_BT[:, :length]}

    assert voicer(own)["loss_sound"] < 0.3 * voicer(strange)["loss_sound"]

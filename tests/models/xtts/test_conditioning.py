import pytest

from escuta.models.xtts.conditioning import ConditioningEncoder, PerceiverResampler, _num_groups
from tiny_xtts import TINY, drawn, tiny


def perceiver(config):
    return PerceiverResampler(config.gpt.width, config.conditioning)


@pytest.mark.parametrize("num_frames", [1, 9, 40])
def test_any_number_of_frames_becomes_the_same_number_of_latents(num_frames):
    frames_BDM = tiny(ConditioningEncoder)(drawn(2, 80, num_frames))
    assert frames_BDM.shape == (2, 32, num_frames)
    assert tiny(perceiver)(frames_BDM.transpose(1, 2)).shape == (2, TINY.conditioning.num_latents, 32)


def test_every_frame_is_heard():
    mel_BFM = drawn(1, 80, 12)
    read = tiny(perceiver)
    before_BLD = read(tiny(ConditioningEncoder)(mel_BFM).transpose(1, 2))
    mel_BFM[:, :, 11] += 1
    after_BLD = read(tiny(ConditioningEncoder)(mel_BFM).transpose(1, 2))
    assert (after_BLD - before_BLD).abs().amax(dim=(0, 2)).min() > 1e-3


@pytest.mark.parametrize(("width", "groups"), [(16, 8), (64, 16), (128, 32), (256, 32), (320, 32), (1024, 32), (72, 8)])
def test_groups_divide_the_width(width, groups):
    assert _num_groups(width) == groups

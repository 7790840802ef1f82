import torch

from escuta.models.f5.newborn import newborn_config
from escuta.models.f5.text_embedding import PADDING, TextEmbedding

CONFIG = newborn_config(20).dit


def embedding():
    torch.manual_seed(0)
    made = TextEmbedding(CONFIG).requires_grad_(False)
    for name, tensor in made.named_parameters():
        if "grn" in name:
            tensor.normal_(std=0.1)
    return made


def test_frames_after_the_text_are_zero():
    embedded_BMT = embedding()(torch.tensor([[3, 4, PADDING]]), torch.tensor([9]))

    assert embedded_BMT.shape == (1, 9, CONFIG.text_width)
    assert embedded_BMT[0, :2].abs().sum() > 0
    assert not embedded_BMT[0, 2:].any()


def test_a_text_longer_than_its_frames_is_cut():
    made, text_BN = embedding(), torch.arange(12)[None]

    torch.testing.assert_close(made(text_BN, torch.tensor([5])), made(text_BN[:, :5], torch.tensor([5])))


def test_a_dropped_text_says_nothing_of_what_it_was():
    made, frames_B, dropped_B = embedding(), torch.tensor([6]), torch.tensor([True])
    one, other = (made(torch.tensor([[first, 4]]), frames_B, dropped_B) for first in (3, 7))

    assert torch.equal(one, other)
    assert not torch.equal(one, made(torch.tensor([[3, 4]]), frames_B))


def test_frames_past_an_items_end_are_zero():
    embedded_BMT = embedding()(torch.tensor([[3, 4, 5], [3, 4, 5]]), torch.tensor([2, 8]))

    assert not embedded_BMT[0, 2:].any()

import torch
from recipes.nano.flat import flattened
from torch import nn


def test_flat_convolutions_give_the_same_sound_and_gradients():
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv1d(4, 6, 5, dilation=2, padding=4), nn.ConvTranspose1d(6, 3, 4, 2, padding=1), nn.Conv1d(3, 2, 1)
    )
    sound = torch.randn(2, 4, 30)
    found = []
    for flat in (False, True):
        layers.zero_grad()
        out = (flattened(layers) if flat else layers)(sound)
        out.square().sum().backward()
        found.append([out, *(parameter.grad.clone() for parameter in layers.parameters())])
    for plain, flat in zip(*found, strict=True):
        torch.testing.assert_close(flat, plain)

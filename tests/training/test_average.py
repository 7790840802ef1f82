import pytest
import torch
from torch import nn

from escuta.training.average import WeightAverage


def layer(value):
    made = nn.Linear(1, 1, bias=False)
    nn.init.constant_(made.weight, value)
    return made


def test_the_mean_follows_soon_at_first_and_slowly_later():
    module = layer(0.0)
    average = WeightAverage(module, decay=0.5)
    means = []
    for _ in range(20):
        nn.init.constant_(module.weight, means[-1] + 1 if means else 1.0)
        average.update()
        with average.in_place():
            means.append(module.weight.item())

    steps = torch.tensor(means).diff(prepend=torch.zeros(1))
    assert steps[0] == pytest.approx(1 - 2 / 11)
    assert steps[1] == pytest.approx(1 - 3 / 12)
    assert steps[-1] == pytest.approx(0.5)


def test_what_is_taken_while_the_mean_is_in_place_stays_the_mean():
    module = layer(0.0)
    average = WeightAverage(module, decay=0.5)
    nn.init.constant_(module.weight, 11.0)
    average.update()

    with average.in_place():
        taken = module.state_dict()["weight"]

    assert taken.item() == pytest.approx(9.0)
    assert module.weight.item() == 11.0


def test_what_does_not_learn_is_not_averaged():
    module = nn.Sequential(layer(1.0), layer(2.0))
    module[0].requires_grad_(False)

    assert WeightAverage(module, decay=0.5).state()["live"].keys() == {"1.weight"}

import pytest
import torch

from escuta.models.dropout import Dropout, dropout


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_so_many_are_dropped_and_the_mean_stays(probability):
    torch.manual_seed(0)
    found = dropout(torch.ones(400, 1001), probability)

    assert (found == 0).float().mean().item() == pytest.approx(probability, abs=0.005)
    assert found.mean().item() == pytest.approx(1, abs=0.02)


def test_each_element_is_dropped_for_itself():
    torch.manual_seed(0)
    dropped = dropout(torch.ones(50_000, 8), 0.25) == 0

    correlations = torch.corrcoef(dropped.T.float()) - torch.eye(8)

    assert correlations.abs().max() < 0.03


def test_the_gradient_is_dropped_where_the_element_was():
    torch.manual_seed(0)
    x = torch.full((3, 5, 7), 2.0, requires_grad=True)

    found = dropout(x, 0.5)
    found.sum().backward()

    assert torch.equal(found, 2 * x.grad)
    assert set(x.grad.unique().tolist()) == {0.0, 2.0}


def test_the_seed_decides():
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(dropout(torch.ones(100), 0.5))

    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_nothing_is_dropped_while_speaking():
    layer, x = Dropout(0.5), torch.ones(8, 8)

    assert not torch.equal(layer(x), x)
    assert torch.equal(layer.eval()(x), x)


def test_half_precision_stays_so():
    assert dropout(torch.ones(4, dtype=torch.bfloat16), 0.5).dtype == torch.bfloat16

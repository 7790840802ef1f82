import pytest
import torch

from escuta.engine.cache import empty_cache


def test_a_cache_returns_all_positions_in_the_order_they_came():
    layer, other = empty_cache(2, (1, 1, 5, 2), like=torch.zeros(1, dtype=torch.bfloat16))
    first, second = torch.ones(1, 1, 3, 2), torch.full((1, 1, 1, 2), 2.0)
    layer.extend(first, -first)
    keys, values = layer.extend(second, -second)
    assert keys[0, 0, :, 0].tolist() == [1, 1, 1, 2]
    assert values[0, 0, :, 0].tolist() == [-1, -1, -1, -2]
    assert keys.dtype == torch.bfloat16
    assert other.length == 0


def test_a_full_cache_refuses_another_position():
    (layer,) = empty_cache(1, (1, 1, 2, 2), like=torch.zeros(1))
    layer.extend(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
    with pytest.raises(ValueError, match="3 positions do not fit a cache of 2"):
        layer.extend(torch.zeros(1, 1, 1, 2), torch.zeros(1, 1, 1, 2))

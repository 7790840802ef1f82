import pytest
import torch

from escuta.engine.cache import GrowingCache


def cache(lengths, num_new=2, dtype=torch.float32):
    return GrowingCache(2, lengths, num_new, (1, 3), like=torch.zeros(1, dtype=dtype))


def extended(cache, value):
    """Take a step that writes `value` in every layer; return the layers as it saw them."""
    seen = []

    def step(x_BD, cache):
        for layer_2BHSW in cache.layers:
            cache.write(layer_2BHSW, torch.full((2, len(cache), 1, 1, 3), value))
        seen.extend(cache.layers)
        return x_BD

    x_BD = torch.zeros(len(cache), 3)
    assert cache.advance(step, x_BD) is x_BD
    return seen


def test_prompts_end_together_and_every_row_goes_on_from_there():
    of_two = cache([1, 3])
    of_two.prompt(0)[0][:] = 10
    of_two.prompt(1)[0][:] = 20
    first, _second = extended(of_two, 30.0)
    keys_BS = first[0, :, 0, :, 0]
    assert keys_BS.tolist() == [[0, 0, 10, 30], [20, 20, 20, 30]]
    assert of_two.mask_B11S.flatten(1).tolist() == [[-torch.inf, -torch.inf, 0, 0], [0, 0, 0, 0]]


def test_rows_of_one_length_need_no_mask():
    assert cache([3, 3]).mask_B11S is None


def test_rows_that_stay_keep_what_they_have_read():
    of_three = cache([2, 1, 2])
    for row in range(3):
        of_three.prompt(row)[1][:] = row + 1
    of_three.keep([1, 2])
    assert len(of_three) == 2
    _first, second = extended(of_three, 9.0)
    assert second[1, :, 0, :, 0].tolist() == [[0, 2, 9], [3, 3, 9]]
    assert of_three.mask_B11S.flatten(1).tolist() == [[-torch.inf, 0, 0], [0, 0, 0]]


def test_a_full_cache_refuses_another_position():
    full = cache([2], num_new=1, dtype=torch.bfloat16)
    assert extended(full, 1.0)[0].dtype == torch.bfloat16
    with pytest.raises(ValueError, match="4 positions do not fit a cache of 3"):
        extended(full, 1.0)

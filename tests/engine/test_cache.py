import pytest
import torch

from escuta.engine.cache import Cache


def cache(lengths, num_new=2, dtype=torch.float32):
    return Cache(2, lengths, num_new, (1, 3), like=torch.zeros(1, dtype=dtype))


def test_prompts_end_together_and_every_row_goes_on_from_there():
    of_two = cache([1, 3])
    of_two.prompt(0)[0][:] = 10
    of_two.prompt(1)[0][:] = 20
    first, _second = of_two.extended()
    first[:, :, :, -1:] = 30
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
    _first, second = of_three.extended()
    assert second[1, :, 0, :2, 0].tolist() == [[0, 2], [3, 3]]
    assert of_three.mask_B11S.flatten(1).tolist() == [[-torch.inf, 0, 0], [0, 0, 0]]


def test_a_full_cache_refuses_another_position():
    full = cache([2], num_new=1, dtype=torch.bfloat16)
    assert full.extended()[0].dtype == torch.bfloat16
    with pytest.raises(ValueError, match="4 positions do not fit a cache of 3"):
        full.extended()

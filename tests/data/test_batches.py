import pytest
import torch

from escuta.data.batches import crop_seed, epoch_batches


@pytest.mark.parametrize(("num_clips", "batch_size"), [(7, 2), (8, 4), (3, 5), (1, 1), (0, 2)])
def test_an_epoch_takes_every_clip_once(num_clips, batch_size):
    batches = epoch_batches(num_clips, batch_size, seed=0, epoch=1)

    assert sorted(clip for batch in batches for clip in batch) == list(range(num_clips))
    assert all(len(batch) == batch_size for batch in batches[:-1])
    assert all(batches)


def test_the_order_depends_on_seed_and_epoch_alone():
    order = epoch_batches(50, 2, seed=3, epoch=2)

    assert epoch_batches(50, 2, seed=3, epoch=2) == order
    assert epoch_batches(50, 2, seed=3, epoch=3) != order
    assert epoch_batches(50, 2, seed=4, epoch=2) != order


def test_the_order_stays_the_same_in_later_versions():
    assert epoch_batches(6, 4, seed=0, epoch=1) == [[1, 4, 3, 0], [2, 5]]


def test_every_batch_of_every_epoch_has_crops_of_its_own():
    seeds = {crop_seed(seed, epoch, batch) for seed in range(4) for epoch in range(10) for batch in range(10)}

    assert len(seeds) == 400
    assert crop_seed(3, 2, 1) == crop_seed(3, 2, 1)


def test_torch_takes_every_crop_seed():
    for batch in range(100):
        torch.Generator().manual_seed(crop_seed(0, 1, batch))

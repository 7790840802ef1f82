import itertools

import numpy as np
import pytest
import torch

from escuta.data.batches import BatchLimits, crop_seed, epoch_batches, padding_share, shard


def durations(num_clips, seed=0):
    """Seconds as recordings of read sentences have them: 1 to 11.6 s, half of them below 5 s."""
    drawn = np.random.default_rng(seed).lognormal(np.log(5.0), 0.5, num_clips)
    return np.clip(drawn, 1.0, 11.6).tolist()


def random_cases():
    """Datasets and limits of every size."""
    random = np.random.default_rng(7)
    for seed in range(200):
        seconds = durations(int(random.integers(0, 120)), seed)
        limit = None if random.random() < 0.5 else float(random.uniform(0.5, 80))
        yield seconds, BatchLimits(int(random.integers(1, 20)), limit), seed


def test_an_epoch_takes_every_clip_once_and_no_batch_exceeds_its_limits():
    for seconds, limits, seed in random_cases():
        batches = epoch_batches(seconds, limits, seed=seed, epoch=1)

        assert sorted(itertools.chain(*batches)) == list(range(len(seconds)))
        assert all(0 < len(batch) <= limits.clips for batch in batches)
        if limits.seconds:
            padded = [len(batch) * max(seconds[clip] for clip in batch) for batch in batches if len(batch) > 1]
            assert all(one <= limits.seconds for one in padded)


@pytest.mark.parametrize(("num_clips", "size"), [(7, 2), (8, 4), (3, 5), (1, 1), (0, 2), (1000, 3), (99, 16)])
def test_without_a_limit_in_seconds_there_are_as_few_batches_as_can_be(num_clips, size):
    batches = epoch_batches(durations(num_clips), BatchLimits(size), seed=0, epoch=1)

    assert len(batches) == -(-num_clips // size)
    assert sum(len(batch) < size for batch in batches) <= 1


def test_the_order_depends_on_seed_and_epoch_alone():
    seconds, limits = durations(50), BatchLimits(2)
    order = epoch_batches(seconds, limits, seed=3, epoch=2)

    assert epoch_batches(seconds, limits, seed=3, epoch=2) == order
    assert epoch_batches(seconds, limits, seed=3, epoch=3) != order
    assert epoch_batches(seconds, limits, seed=4, epoch=2) != order


def test_the_order_stays_the_same_in_later_versions():
    seconds = [3.0, 1.0, 4.0, 1.5, 9.0, 2.6]

    assert epoch_batches(seconds, BatchLimits(2), seed=0, epoch=1) == [[3, 0], [5, 2], [1, 4]]
    assert epoch_batches(seconds, BatchLimits(9, 6.0), seed=0, epoch=1) == [[4], [2], [5, 0], [1, 3]]


@pytest.mark.parametrize("size", [2, 4, 8, 16])
def test_little_of_what_is_computed_is_padding(size):
    seconds = durations(3000)
    at_random = np.random.default_rng(0).permutation(3000).tolist()

    assert padding_share(BatchLimits(size).batches(at_random, seconds), seconds) > 0.19  # 0.21, 0.34, 0.43, 0.49
    assert padding_share(epoch_batches(seconds, BatchLimits(size), seed=0, epoch=1), seconds) < 0.06


@pytest.mark.parametrize("limit", [20.0, 60.0, 240.0])
def test_batches_filled_by_seconds_are_full_and_of_like_clips(limit):
    seconds = durations(3000)

    batches = epoch_batches(seconds, BatchLimits(1000, limit), seed=0, epoch=1)

    padded = [len(batch) * max(seconds[clip] for clip in batch) for batch in batches]
    assert padding_share(batches, seconds) < 0.06
    assert sum(padded) / len(padded) > 0.75 * limit


@pytest.mark.parametrize("num_clips", [20, 60, 3000])
def test_clips_meet_others_in_every_epoch(num_clips):
    seconds = durations(num_clips)
    first, second = (
        {frozenset(batch) for batch in epoch_batches(seconds, BatchLimits(2), seed=0, epoch=epoch)} for epoch in (1, 2)
    )

    assert len(first & second) < 0.4 * len(first)


def test_long_and_short_batches_are_mixed():
    seconds = durations(1000)
    batches = epoch_batches(seconds, BatchLimits(4), seed=0, epoch=1)

    halves = [
        sum(seconds[clip] for batch in half for clip in batch) for half in (batches[: len(batches) // 2], batches)
    ]
    assert halves[0] / halves[1] == pytest.approx(0.5, abs=0.05)


def test_the_padding_is_counted():
    assert padding_share([[0, 1], [2]], [1.0, 3.0, 2.0]) == pytest.approx(2 / 8)
    assert padding_share([], []) == 0.0


def test_the_order_given_is_kept_where_it_matters():
    assert BatchLimits(2).batches(range(5), [1.0] * 5) == [[0, 1], [2, 3], [4]]
    assert BatchLimits(9, 4.0).batches(range(5), [1.0, 1.0, 2.0, 9.0, 1.0]) == [[0, 1], [2], [3], [4]]


def test_several_processes_share_an_epoch_without_repeats_and_take_as_many_batches_each():
    for seconds, limits, seed in random_cases():
        batches = epoch_batches(seconds, limits, seed=seed, epoch=1)
        for num_ranks in (1, 2, 3, 8):
            parts = [shard(batches, rank, num_ranks) for rank in range(num_ranks)]
            taken = sorted(clip for part in parts for batch in part for clip in batch)

            assert len({len(part) for part in parts}) == 1
            assert len(set(taken)) == len(taken) > len(seconds) - num_ranks
            if len(taken) < len(seconds):
                assert all(len(batch) == 1 for part in parts for batch in part)
        assert shard(batches, 0, 1) == batches


def test_every_batch_of_every_epoch_has_crops_of_its_own():
    seeds = {crop_seed(seed, epoch, batch) for seed in range(4) for epoch in range(10) for batch in range(10)}

    assert len(seeds) == 400
    assert crop_seed(3, 2, 1) == crop_seed(3, 2, 1)


def test_torch_takes_every_crop_seed():
    for batch in range(100):
        torch.Generator().manual_seed(crop_seed(0, 1, batch))

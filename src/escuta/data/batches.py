"""Which clips are learned together, and in which order: a function of (seed, epoch) alone."""

import numpy as np


def epoch_batches(num_clips: int, batch_size: int, *, seed: int, epoch: int) -> list[list[int]]:
    """Every clip exactly once, in an order drawn from (seed, epoch); the last batch may be smaller."""
    order = np.random.default_rng([seed, epoch]).permutation(num_clips).tolist()
    return [order[start : start + batch_size] for start in range(0, num_clips, batch_size)]


def crop_seed(seed: int, epoch: int, batch: int) -> int:
    """Seed of the random crops of one batch: the same whether the epoch was interrupted or not."""
    return int(np.random.SeedSequence([seed, epoch, batch]).generate_state(1, np.uint64)[0] >> np.uint64(1))

"""Which clips are learned together, and in which order: a function of (durations, limits, seed, epoch) alone.

Clips of one batch are padded to its longest, so clips of like duration go together. To sort them all would make the
same batches in every epoch. So a random order is cut into windows of a few batches each, only the clips within a window
are sorted, and then the batches are shuffled.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

WINDOW_BATCHES = 16
"""More would pad less (3 % become 1.5 % at two clips a batch), and let clips meet the same others in every epoch."""

Batches: TypeAlias = list[list[int]]
"""Numbers of clips, batch by batch."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much is learned from at once."""

    clips: int
    """At most."""
    seconds: float | None = None
    """Of audio, padding counted; a longer clip is alone. None sets no limit."""

    def batches(self, order: Iterable[int], clip_seconds: Sequence[float]) -> Batches:
        """Fill one batch after the other with clips as they come in `order`."""
        batches: Batches = []
        longest = 0.0
        for clip in order:
            longest = max(longest, clip_seconds[clip])
            if batches and self._fits(len(batches[-1]) + 1, longest):
                batches[-1].append(clip)
            else:
                batches.append([clip])
                longest = clip_seconds[clip]
        return batches

    def _fits(self, num_clips: int, longest_seconds: float) -> bool:
        return num_clips <= self.clips and (self.seconds is None or num_clips * longest_seconds <= self.seconds)


def epoch_batches(clip_seconds: Sequence[float], limits: BatchLimits, *, seed: int, epoch: int) -> Batches:
    """Every clip exactly once, clips of like duration together, in an order drawn from (seed, epoch).

    Args:
        clip_seconds: Duration of each clip.
        limits: Of a batch.
        seed: Of the training.
        epoch: Counted from 1.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(clip_seconds)).tolist()
    window = _window_clips(clip_seconds, limits)
    batches: Batches = []
    for start in range(0, len(order), window):
        by_duration = sorted(order[start : start + window], key=clip_seconds.__getitem__)
        batches += limits.batches(by_duration, clip_seconds)
    return [batches[place] for place in random.permutation(len(batches))]


def padding_share(batches: Batches, clip_seconds: Sequence[float]) -> float:
    """How much of what is computed is padding, 0 to 1."""
    padded = sum(len(batch) * max(clip_seconds[clip] for clip in batch) for batch in batches)
    return 1 - sum(clip_seconds[clip] for batch in batches for clip in batch) / padded if padded else 0.0


def shard(batches: Batches, rank: int, num_ranks: int) -> Batches:
    """Give the part of one of several processes, each of which takes as many batches as the others.

    Where they do not divide evenly, the largest are halved until they do. Only when all are single clips and still do
    not, the last few, fewer than `num_ranks`, are left out; in the next epoch these are others.
    """
    even = list(batches)
    while len(even) % num_ranks and (largest := max(even, key=len))[1:]:
        place, half = even.index(largest), len(largest) // 2
        even[place : place + 1] = [largest[:half], largest[half:]]
    return even[rank : len(even) - len(even) % num_ranks : num_ranks]


def order_fingerprint(batches: Batches, num_ranks: int) -> str:
    """Tell one order of one epoch, shared by so many processes, from others."""
    return hashlib.sha256(json.dumps([batches, num_ranks]).encode()).hexdigest()[:16]


def crop_seed(seed: int, epoch: int, batch: int) -> int:
    """Seed of the random crops of one batch: the same whether the epoch was interrupted or not."""
    return int(np.random.SeedSequence([seed, epoch, batch]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _window_clips(clip_seconds: Sequence[float], limits: BatchLimits) -> int:
    """Clips in a window: those of so many batches, but half of all at most, so that few clips are mixed as well."""
    a_batch = limits.clips
    if limits.seconds is not None and clip_seconds:
        mean_seconds = sum(clip_seconds) / len(clip_seconds)
        a_batch = max(1, min(a_batch, int(limits.seconds / mean_seconds)))
    num_batches = -(-len(clip_seconds) // a_batch)
    return a_batch * max(1, min(WINDOW_BATCHES, num_batches // 2))

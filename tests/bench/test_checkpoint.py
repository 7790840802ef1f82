import sys

import pytest
from bench.breakdown import PARTS

from bench import breakdown, checkpoint


@pytest.mark.slow
def test_new_checkpoints_are_spoken_by_both_in_turns(models):
    peer = [sys.executable, "-m", "bench.speaking", str(models.base), "--reference", str(models.voice), "--threads=1"]
    found = checkpoint.measure(models, peer, threads=1, rounds=2)
    assert [run["codes"] for run in found["coqui"]] == [[20], [20]]
    assert len(found["escuta"]) == 2
    for run in found["escuta"]:
        assert 0 < run["put_seconds"] < run["seconds"]
        assert run["peak_bytes"] > 1e8  # the speaking process's: Python and PyTorch alone


def test_every_part_of_a_sample_takes_its_time(models):
    (turn,) = breakdown.measure(models, threads=1, rounds=1)["seconds"]
    assert tuple(turn) == PARTS
    assert all(seconds > 0 for seconds in turn.values())

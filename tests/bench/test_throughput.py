import os

import pytest
from bench.apart import apart
from bench.figures import training_speeds

from bench import throughput

TWO_CORES = len(os.sched_getaffinity(0)) > 1


@pytest.mark.slow
@pytest.mark.skipif(not TWO_CORES, reason="one core alone")
def test_training_is_timed_with_somebody_speaking_and_without(models):
    found = apart(throughput.measure, models, pairs=2, block_seconds=0.3)
    assert len(found["pairs"]) == 2
    for pair in found["pairs"]:
        assert pair["silent"]["duty"] == 0
        assert training_speeds(pair) > 0
    assert max(pair["speaking"]["duty"] for pair in found["pairs"]) > 0

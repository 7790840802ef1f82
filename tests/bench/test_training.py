import json

import pytest
from bench.training import Bench, measure, ratios

from escuta.models.xtts.newborn import make_newborn


@pytest.fixture
def bench(tmp_path):
    make_newborn(tmp_path / "small", seed=0)
    small = tmp_path / "small"
    return Bench(small, small, tmp_path / "voice.wav", tmp_path, threads=1, rounds=1, layers=3, epoch_clips=(8, 16))


def test_sections_are_kept_and_written_one_by_one(bench, tmp_path):
    results = tmp_path / "training.json"

    measure(bench, ["scaling"], results)
    result = measure(bench, ["modes"], results)

    assert json.loads(results.read_text()) == result
    assert result["epoch_seconds_by_clips"].keys() == {"8", "16"}
    assert result["sections"]["modes"]["LoRA 16"]["loss"] > 0
    assert result["ratios"] == {"step_batch2_7s": None, "memory_over_peer": None}


def test_ratios_are_of_steps_in_turns_and_of_the_most_memory():
    step = {
        "escuta": [
            {"seconds": 1.0, "peak_bytes": 3},
            {"seconds": 2.0, "peak_bytes": 5},
            {"seconds": 1.0, "peak_bytes": 4},
        ],
        "coqui": [
            {"seconds": 4.0, "peak_bytes": 10},
            {"seconds": 6.0, "peak_bytes": 9},
            {"seconds": 5.0, "peak_bytes": 9},
        ],
    }

    assert ratios({"step": step}) == {"step_batch2_7s": 4.0, "memory_over_peer": 0.5}

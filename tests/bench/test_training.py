import json

import pytest
from bench.pages import PAGES, Pages
from bench.training import Bench, measure, ratios, told_bytes
from bench.training_table import training_tables

from escuta.models.xtts.newborn import make_newborn


@pytest.fixture
def bench(tmp_path):
    make_newborn(tmp_path / "small", seed=0)
    small = tmp_path / "small"
    return Bench(small, small, tmp_path / "voice.wav", tmp_path, threads=1, rounds=1, layers=3, epoch_clips=(8, 16))


@pytest.mark.slow
def test_sections_are_kept_and_written_one_by_one(bench, tmp_path):
    (tmp_path / "pt-BR").mkdir()
    for page in PAGES:
        (tmp_path / page).write_text("<!-- training -->\n\n<!-- end -->\n", encoding="utf-8")
    pages = Pages("training", training_tables, tmp_path, tmp_path)

    measure(bench, ["scaling"], pages, {})
    result = measure(bench, ["modes", "features"], pages, {})

    assert json.loads(pages.file.read_text()) == result
    assert all(training_tables(result, page) in (tmp_path / page).read_text(encoding="utf-8") for page in PAGES)
    assert len(result["sections"]["features"]["clip_seconds"]) == 1
    modes = result["sections"]["modes"]
    assert (
        modes["LoRA 16"]["told_bytes"]
        < modes["bf16"]["told_bytes"]
        == told_bytes(bench.base, {"precision": "bf16", "optimizer": "adamw"})
    )
    assert result["epoch_seconds_by_clips"].keys() == {"8", "16"}
    assert result["sections"]["modes"]["LoRA 16"]["loss"] > 0
    assert result["ratios"] == dict.fromkeys(("step_batch2_7s", "memory_over_peer", "features_paid_epochs"))


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

    assert ratios({"step": step}) == {"step_batch2_7s": 4.0, "memory_over_peer": 0.5, "features_paid_epochs": None}
    features = {"clip_seconds": [3.0, 1.0, 2.0]}
    assert ratios({"step": step, "features": features})["features_paid_epochs"] == 1.0

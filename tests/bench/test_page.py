import pytest
from bench.page import make_run, measure

from browser import CHROMIUM
from escuta.report.view import view


def test_the_run_that_is_measured_is_one_that_the_page_shows(tmp_path):
    shown = view(make_run(tmp_path / "run", 2, 3, 0.5))
    assert [one["title"] for one in shown["checkpoints"]] == ["Base model", "Epoch 1", "Epoch 2"]
    assert [(take["seconds"], len(take["peaks"])) for take in shown["checkpoints"][2]["takes"]] == [(0.5, 100)] * 3
    assert shown["checkpoints"][2]["means"] == [0.05, 0.81, 3.9, -21.4]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to open the page in")
def test_all_figures_are_measured(tmp_path):
    found = measure(tmp_path, 1, long=(5, 2, 1.0))
    assert {"first_render_seconds", "click_to_sound_ms", "a_b_apart_ms", "report_mb", "export_mb"} <= found.keys()
    assert found["export_mb"] < 15

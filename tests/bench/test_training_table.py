import json

import pytest
from bench.export_parity import ROOT
from bench.training import PAGES, ratios
from bench.training_table import speedups, training_tables
from bench.training_words import WORDS

MACHINE = {
    "date": "2026-01-31", "cpu": "Some CPU", "cores": 2, "threads": 2, "memory_gb": 16, "torch": "2.13.0",
    "load_average": 0.5,
}  # fmt: skip


@pytest.fixture
def result():
    runs = [{"seconds": 2.0, "peak_bytes": 6e9}, {"seconds": 4.0, "peak_bytes": 7e9}]
    sections = {
        "step": {"escuta": runs, "coqui": [{"seconds": 10.0, "peak_bytes": 10e9}] * 2},
        "modes": {"fp32": {"seconds": 9.0, "peak_bytes": 9e9, "told_bytes": 8e9}},
        "features": {"clip_seconds": [0.5, 0.7, 0.6]},
        "scaling": {"100": {"seconds": 0.5, "peak_bytes": 4e8}},
        "curves": {"steps": 200, "difference": {"bf16": 0.001, "noise": 0.002}},
    }
    for section in sections.values():
        section["machine"] = MACHINE
    return {"ratios": ratios(sections), "epoch_seconds_by_clips": {"100": 0.5}, "sections": sections}


def test_every_figure_has_its_target_and_whether_it_is_met(result):
    text = training_tables(result, "benchmarks.md")
    assert "| 3.0 s (2.0–4.0) | 10.0 s (10.0–10.0) | 3.8 × (2.5–5.0) | ≥ 3 × | yes |" in text
    assert "| 7.0 GB | 10.0 GB | 0.70 | ≤ 0.7 | yes |" in text
    assert "| 0.60 s (0.50–0.70) |  | 0.17 | ≤ 2 | yes |" in text
    result["ratios"]["step_batch2_7s"] = 2.9
    assert "| ≥ 3 × | no |" in training_tables(result, "benchmarks.md")


def test_ways_to_learn_scaling_and_curves_are_told(result):
    text = training_tables(result, "benchmarks.md")
    assert "| seconds | 9.0 |\n| peak memory, GB | 9.0 |\n| told before by `--dry-run`, GB | 8.0 |" in text
    assert "| clips | 100 |\n| --- | --- |\n| seconds | 0.5 |\n| ms a clip | 5.0 |\n| peak memory, GB | 0.40 |" in text
    assert "0.100 % away from fp32's" in text
    assert "0.200 % away from itself" in text


def test_portuguese_has_decimal_commas(result):
    assert "3,8 × (2,5–5,0)" in training_tables(result, "pt-BR/benchmarks.md")


def test_a_step_is_compared_with_the_one_beside_it(result):
    assert speedups(result["sections"]["step"]) == [5.0, 2.5]


def test_both_languages_have_words_for_the_same():
    english, portuguese = WORDS.values()
    assert english.keys() | {"bf16, moments too", "bf16, moments too, decoder"} == portuguese.keys()


@pytest.mark.parametrize("page", WORDS)
def test_the_pages_say_what_was_measured(page):
    result = json.loads(PAGES.file.read_text(encoding="utf-8"))
    assert result["ratios"] == ratios(result["sections"])
    assert training_tables(result, page) in (ROOT / "docs" / page).read_text(encoding="utf-8")

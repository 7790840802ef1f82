import pytest
from bench.f5 import ratios
from bench.f5_table import WORDS, f5_tables

MACHINE = {
    "date": "2026-01-31", "cpu": "Some CPU", "cores": 2, "threads": 2, "memory_gb": 16, "torch": "2.13.0", "gpu": None,
    "load_average": 0.5,
}  # fmt: skip


def runs(*seconds, peak=1e9):
    return [{"seconds": one, "peak_bytes": peak} for one in seconds]


@pytest.fixture
def result():
    sections = {
        "warm": {"escuta": runs(20.0, 25.0, 21.0), "f5-tts": runs(105.0, 100.0, 110.0, peak=2.5e9)},
        "batch": {"escuta": runs(200.0), "f5-tts": runs(500.0)},
        "step": {"escuta": runs(5.0), "f5-tts": runs(16.0)},
    }
    for section in sections.values():
        section["machine"] = dict(MACHINE)
    return {"ratios": ratios(sections), "sections": sections}


def test_ratios_are_of_medians_and_of_the_most_memory(result):
    assert result["ratios"] == {"warm_7s": 5.0, "batch_8": 2.5, "step": 3.2, "memory_over_peer": 0.4}
    assert set(ratios({}).values()) == {None}


def test_every_figure_has_its_target_and_whether_it_is_met(result):
    text = f5_tables(result, "benchmarks.md")

    assert "| 21.0 s (20.0–25.0) | 105.0 s (100.0–110.0) | 5.0 × | ≥ 3 × | yes |" in text
    assert "| 200.0 s | 500.0 s | 2.5 × | ≥ 3 × | no |" in text
    assert "| 5.0 s | 16.0 s | 3.2 × | ≥ 2.5 × | yes |" in text
    assert "| 1.00 GB | 2.50 GB | 0.40 | ≤ 0.5 | yes |" in text
    assert "warm, batch, step: 2026-01-31, Some CPU" in text


def test_portuguese_has_decimal_commas(result):
    assert "3,2 × | ≥ 2,5 ×" in f5_tables(result, "pt-BR/benchmarks.md")


def test_a_gpu_is_told_where_there_was_one(result):
    speeds = {name: runs(0.5) for name in ("warm", "batch", "step")}
    result["sections"]["gpu"] = {**speeds, "machine": {**MACHINE, "gpu": "Some GPU"}}

    assert "On Some GPU: a sentence 0.50 s, 8 sentences 0.50 s, a step 0.50 s." in f5_tables(result, "benchmarks.md")


def test_both_languages_have_words_for_the_same():
    english, portuguese = WORDS.values()
    assert english.keys() == portuguese.keys()

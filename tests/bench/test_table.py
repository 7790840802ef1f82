import json

import pytest
from bench.export_parity import ROOT
from bench.figures import FIGURES, ratios
from bench.sampling import PAGES, SECTIONS
from bench.table import spread, tables
from bench.words import WORDS


@pytest.fixture
def result(sections):
    return {"sections": sections, "ratios": ratios(sections)}


def test_a_spread_is_the_median_and_the_extremes():
    assert spread([2.0, 3.0, 2.5], "{:.1f}") == "2.5 s (2.0–3.0)"
    assert spread([2.0], "{:.1f}", " ×") == "2.0 ×"


def test_every_figure_has_a_row_with_its_target_and_whether_it_is_met(result):
    _head, _rule, *rows = tables(result, "benchmarks.md").split("\n\n")[0].splitlines()
    assert [row.strip("| ").split(" | ")[1:] for row in rows] == [
        ["2.00 s (2.00–2.50)", "12.5 s (12.0–30.0)", "6.0 × (5.0–15.0)", "≥ 6 ×", "yes"],
        ["10.00 s (8.00–12.00)", "90.0 s", "9.0 × (7.5–11.2)", "≥ 10 ×", "no"],
        ["3.00 s (3.00–4.00)", "40.0 s (36.0–42.0)", "12.0 × (10.0–14.0)", "≥ 10 ×", "yes"],
        ["12.0 ms", "6.0 ms", "2.00", "≤ 2.2", "yes"],
        ["0.00 GB", "0.00 GB", "0.50", "≤ 0.45", "no"],
        ["120 ms", "100 ms", "1.20", "≤ 1.3", "yes"],
        ["0.900", "1.000", "0.900 (0.800–1.000)", "≥ 0.95", "no"],
    ]


def test_the_cost_curve_the_lengths_and_the_breakdown_are_told(result):
    text = tables(result, "benchmarks.md")
    assert "| sentences | 1 | 8 |\n| --- | --- | --- |\n| escuta | 2.0 | 10.0 |\n" in text
    assert "| escuta, each | 2.00 | 1.25 |\n| coqui-tts | 12.5 | 90.0 |" in text
    assert "| speech | 3 |\n| --- | --- |\n| escuta | 1.0 |\n| coqui-tts | 7.0 |" in text
    assert "| escuta | 1.00 | 2.00 | 3.00 | 4.00 | 5.00 | 6.00 |" in text


def test_one_machine_is_one_line_with_the_busiest_moment(result):
    result["sections"]["stall"]["machine"]["load_average"] = 1.5
    result["sections"]["throughput"]["machine"]["date"] = "2026-02-01"
    lines = tables(result, "benchmarks.md").split("\n\n")[-1].splitlines()
    assert lines == [
        "warm, batch, lengths, checkpoint, breakdown, bound, stall: 2026-01-31, Some CPU, 2 cores, 2 threads, 16 GB; "
        "PyTorch 2.13.0, coqui-tts 0.28.0 with PyTorch 2.13.1; load average at most 1.5.",
        "throughput: 2026-02-01, Some CPU, 2 cores, 2 threads, 16 GB; PyTorch 2.13.0, coqui-tts 0.28.0 with PyTorch "
        "2.13.1; load average at most 0.25.",
    ]


def test_portuguese_has_decimal_commas_but_versions_keep_their_points(result):
    text = tables(result, "pt-BR/benchmarks.md")
    assert "| 2,00 s (2,00–2,50) | 12,5 s (12,0–30,0) | 6,0 × (5,0–15,0) | ≥ 6 × | sim |" in text
    assert "PyTorch 2.13.0" in text


def test_a_gpu_has_a_table_of_its_own(result):
    gpu = {
        "machine": {**result["sections"]["warm"]["machine"], "gpu": "Some GPU"},
        "escuta": {"1": [{"seconds": 0.5}], "8": [{"seconds": 0.75}]},
        "stall": result["sections"]["stall"],
        "throughput": result["sections"]["throughput"],
    }
    result["sections"]["gpu"] = gpu
    text = tables(result, "benchmarks.md")
    assert (
        "On a GPU (Some GPU), seconds:\n\n| sentences | 1 | 8 |\n| --- | --- | --- |\n| escuta | 0.50 | 0.75 |" in text
    )
    assert "out of the way in 120 ms (p95); training keeps 0.900 (0.800–1.000) of its speed." in text


@pytest.mark.parametrize("section", sorted(SECTIONS.keys() - {"gpu"}))
def test_one_section_alone_makes_a_page(sections, section):
    alone = {section: sections[section]}
    for page in WORDS:
        assert section in tables({"sections": alone, "ratios": ratios(alone)}, page)


def test_both_languages_have_words_for_the_same():
    first, second = WORDS.values()
    assert first.keys() == second.keys() > FIGURES.keys()


@pytest.mark.parametrize("page", WORDS)
def test_the_pages_say_what_was_measured(page):
    result = json.loads(PAGES.file.read_text(encoding="utf-8"))
    assert result["ratios"] == ratios(result["sections"])
    assert tables(result, page) in (ROOT / "docs" / page).read_text(encoding="utf-8")

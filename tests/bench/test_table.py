import pytest
from bench.table import WORDS, spread, table, write_tables

RUN = {"seconds": 2.0, "step_seconds": [0.012, 0.014], "peak_bytes": 1_500_000_000}
RESULT = {
    "runs": {
        "escuta_1": [RUN, RUN | {"seconds": 3.0}, RUN | {"seconds": 2.5}],
        "coqui_1": [RUN | {"seconds": 15.0, "peak_bytes": 4_000_000_000}],
        "escuta_8": [RUN | {"seconds": 8.0}],
    },
    "bound_seconds_per_code": 0.0054,
    "ratios": {"warm_7s": 6.0, "batch_8": 15.0, "step_over_bandwidth_bound": 2.407, "memory_over_peer": 0.375},
}


def test_a_spread_is_the_median_and_the_extremes():
    assert spread(RESULT["runs"]["escuta_1"]) == "2.5 s (2.0–3.0)"


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
def test_the_table_has_a_row_for_each_figure(words):
    _head, _rule, *rows = table(RESULT, words).splitlines()
    assert [row.split(" | ")[1:] for row in rows] == [
        ["2.5 s (2.0–3.0)", "15.0 s (15.0–15.0)", "6.0 × |"],
        ["8.0 s (8.0–8.0)", "8 × 15.0 s (15.0–15.0)", "15.0 × |"],
        ["13.0 ms", "(5.4 ms)", "2.41 |"],
        ["1.5 GB", "4.0 GB", "0.38 |"],
    ]


def test_a_new_table_takes_the_place_of_the_old_one(tmp_path):
    (tmp_path / "pt-BR").mkdir()
    for page in WORDS:
        (tmp_path / page).write_text("Before.\n<!-- sampling -->\nold\n<!-- end -->\nAfter.\n", encoding="utf-8")
    for _ in range(2):
        write_tables(tmp_path, RESULT)
    for page, words in WORDS.items():
        expected = f"Before.\n<!-- sampling -->\n{table(RESULT, words)}\n<!-- end -->\nAfter.\n"
        assert (tmp_path / page).read_text(encoding="utf-8") == expected

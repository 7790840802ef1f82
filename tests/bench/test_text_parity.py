import json
from pathlib import Path

from bench.text_parity import main

TABLE = Path(__file__).parents[1] / "fixtures/parity/text.json"


def test_the_table_of_the_peer_has_deviations_and_no_misses(capsys):
    assert main([str(TABLE)]) == 0
    printed = capsys.readouterr().out
    assert "pt    4 equal, 2 deviations, 0 misses" in printed
    assert "deviation pt amount\n  raw    O Dr. Silva e a Sra. Souza pagaram R$ 25,50" in printed


def test_a_sentence_that_differs_without_a_purpose_is_a_miss(tmp_path, capsys):
    table = tmp_path / "text.json"
    table.write_text(json.dumps({"en": [["Two 2", "two 2"]], "pt": [["Às 8h", "às oitoh"]]}), encoding="utf-8")
    assert main([str(table)]) == 1
    printed = capsys.readouterr().out
    assert "miss en" in printed
    assert "  theirs two 2\n  ours   two two\n" in printed
    assert "en    0 equal, 0 deviations, 1 misses\npt    0 equal, 1 deviations, 0 misses\n" in printed

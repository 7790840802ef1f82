from escuta.text.japanese import romanise


def test_text_becomes_lower_case_romaji():
    assert romanise("カツカレーを食べた。") == "cutlet curry wo tabeta."

from escuta.scoring.catalogue import SCORES, title


def test_every_score_has_a_title_a_range_and_a_source():
    titles = [title(name) for name in SCORES]

    assert len(set(titles)) == len(SCORES) == 14
    for name, score in SCORES.items():
        assert score.name == name
        assert score.source
        assert score.low is None or score.high is None or score.low < score.high


def test_what_only_describes_a_voice_has_no_better():
    undirected = {name for name, score in SCORES.items() if score.better is None}

    assert undirected == {"speaking_rate", "loudness", "f0_median", "f0_range"}

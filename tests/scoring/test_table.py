from escuta.scoring.table import table


def test_scores_stand_below_their_headings_and_what_is_missing_is_a_dash():
    rows = [
        ("held_out", {"character_error_rate": 0.016, "speaker_similarity": 0.955, "naturalness": 4.48}),
        ("epoch_0", {"character_error_rate": 1.0, "speaking_rate_deviation": 2.26, "repetition": 11.55, "ended": 0.5}),
    ]

    assert table(rows) == [
        "           errors  similarity  naturalness  rate off  repeated   ended",
        "held_out    1.6 %       0.955         4.48         –         –       –",
        "epoch_0   100.0 %           –            –     2.3 σ    11.6 s  50.0 %",
    ]

import json

import pytest
from bench.scores import SENTENCES, judge_overfit, measure_speed, write
from bench.scores import Bench as Measured

from scored_samples import TEXTS, scored


def checkpoint(name, first_half, second_half):
    """Sentences alternate between what the rule sees and what is held back."""
    return scored(name, character_error_rate=[first_half, second_half] * (len(TEXTS) // 2))


BASE = scored("epoch_0", character_error_rate=[(0.3, 0.32)] * 8)


def test_a_choice_that_is_as_good_on_other_sentences_is_within_noise():
    found = judge_overfit([checkpoint("epoch_1", 0.3, 0.3), checkpoint("epoch_2", 0.1, 0.1)], BASE)

    assert (found["chosen"], found["best"], found["within_noise"]) == ("epoch_2", "epoch_2", True)
    assert found["held_out_character_error_rate"] == pytest.approx({"epoch_1": 0.3, "epoch_2": 0.1})


def test_a_choice_that_only_fits_the_sentences_it_was_made_by_is_not():
    found = judge_overfit([checkpoint("epoch_1", 0.3, 0.1), checkpoint("epoch_2", 0.1, 0.3)], BASE)

    assert (found["chosen"], found["best"], found["within_noise"]) == ("epoch_2", "epoch_1", False)
    assert found["difference"]["value"] == pytest.approx(0.2)


def test_errors_that_nobody_counted_are_no_figure():
    with pytest.raises(ValueError, match="epoch_2: no character error rate"):
        judge_overfit([checkpoint("epoch_1", 0.3, 0.3), scored("epoch_2", naturalness=3.0)], BASE)


def test_figures_stand_beside_what_was_measured_before(tmp_path):
    results = tmp_path / "results" / "scores.json"

    write(results, "ladder", {"tau": {"rule": 0.9}})
    write(results, "speed", {"real_time_factor": 0.5})

    content = json.loads(results.read_text())
    assert content["ladder_tau"] == {"rule": 0.9}
    assert content["score_real_time_factor"] == 0.5
    assert content["overfit_choice_within_noise"] is None
    assert content["sections"].keys() == {"ladder", "speed"}


def test_there_are_forty_sentences_of_their_own():
    lines = [line for line in SENTENCES.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]

    assert len(set(lines)) == len(lines) == 40


@pytest.mark.slow
def test_scoring_is_timed_on_samples_of_seven_seconds(tmp_path):
    found = measure_speed(Measured(base="random", work=tmp_path))

    assert found["audio_seconds"] == pytest.approx(28.0)
    assert found["real_time_factor"] == pytest.approx(min(found["seconds"][1:]) / 28.0)

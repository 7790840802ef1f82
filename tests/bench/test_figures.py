import pytest
from bench.figures import FIGURES, percentile_95, ratios


def test_ratios_are_medians_of_those_measured_in_turns(sections):
    assert ratios(sections) == {
        "warm_7s": 6.0,
        "batch_8": 9.0,
        "checkpoint_to_sample": 12.0,
        "step_over_bandwidth_bound": 2.0,
        "memory_over_peer": 0.5,
        "stall_over_copy": 1.2,
        "throughput_with_background": 0.9,
    }


@pytest.mark.parametrize("name", FIGURES)
def test_what_was_not_measured_is_no_figure(name, sections):
    left = {section: found for section, found in sections.items() if section != FIGURES[name].section}
    assert ratios(left)[name] is None


def test_memory_is_compared_where_it_is_hardest(sections):
    sections["warm"]["coqui"][-1]["peak_bytes"] = 5
    assert ratios(sections)["memory_over_peer"] == 0.8


def test_targets_are_met_from_the_right_side(sections):
    met = {name for name, value in ratios(sections).items() if FIGURES[name].met(value)}
    assert met == {"warm_7s", "checkpoint_to_sample", "step_over_bandwidth_bound", "stall_over_copy"}


def test_one_in_twenty_is_above_the_95th_percentile():
    assert percentile_95(list(range(1, 102))) == 96
    assert percentile_95([3.0]) == 3.0

import os

import pytest
from bench.sampling import RATIOS, Side, int8_bytes, machine, main, ratios, read_bytes_per_second


def run(seconds, steps=(0.01,), peak=1):
    return {"seconds": seconds, "step_seconds": list(steps), "peak_bytes": peak}


def test_ratios_are_of_medians_and_what_is_not_measured_is_none():
    runs = {
        "escuta_1": [run(2.0, [0.012, 0.5]), run(2.5, [0.010, 0.012]), run(30.0, [0.012])],
        "coqui_1": [run(10.0), run(15.0), run(16.0, peak=8)],
        "escuta_8": [run(10.0), run(12.0, peak=2), run(13.0, peak=3)],
    }
    found = ratios(runs, bound_seconds=0.006)
    assert tuple(found) == RATIOS
    assert {name: value for name, value in found.items() if value is not None} == {
        "warm_7s": 6.0,
        "batch_8": 10.0,
        "step_over_bandwidth_bound": 2.0,
        "memory_over_peer": 0.375,
    }


def test_the_bound_is_of_this_machine():
    assert int8_bytes() == 378_537_984
    assert 1e8 < read_bytes_per_second(1) < 1e13
    described = machine(2)
    assert described["threads"] == 2
    assert os.uname().nodename not in described.values()


def test_a_side_that_ends_early_is_noticed():
    with Side(["true"]) as side, pytest.raises((RuntimeError, BrokenPipeError)):
        side.speak(1)


def test_without_the_peers_environment_it_says_how_to_make_it(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["--peer-python", str(tmp_path / "python")])

    assert end.value.code == 2
    assert "run bench/peer/setup.sh, or give --peer-python" in capsys.readouterr().err

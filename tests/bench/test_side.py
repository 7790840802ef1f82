import subprocess
import sys

import pytest
from bench.models import sentences
from bench.side import Side, speak_cold


def command(models):
    options = ["--reference", str(models.voice), "--threads", "1"]
    return [sys.executable, "-m", "bench.speaking", str(models.base), *options]


def test_our_half_speaks_what_it_is_asked_for_again_and_again(models):
    with Side(command(models), threads=1) as side:
        answers = [side.speak(sentences(count), codes) for count, codes in ((1, 20), (3, 20), (1, 30))]
    assert [answer["codes"] for answer in answers] == [[20], [20, 20, 20], [30]]
    assert all(0 < answer["seconds"] < 60 and answer["peak_bytes"] > 1e7 for answer in answers)


def test_a_cold_process_is_timed_from_its_start_to_its_end(models):
    answer = speak_cold(command(models), 1, sentences(1), 20)
    assert answer["codes"] == [20]
    assert answer["seconds"] > 0.5  # Python and PyTorch alone


def test_a_side_that_ends_early_is_noticed():
    with Side(["true"], threads=1) as side, pytest.raises((RuntimeError, BrokenPipeError)):
        side.speak(["One."], 20)
    with pytest.raises(subprocess.CalledProcessError):
        speak_cold(["false"], 1, ["One."], 20)


def test_a_side_that_speaks_something_else_is_noticed():
    with pytest.raises(RuntimeError, match="asked for 2 x 20 codes, a side spoke \\[20, 7\\]"):
        speak_cold(["echo", '{"codes": [20, 7]}'], 1, ["One.", "Two."], 20)

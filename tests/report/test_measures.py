from pathlib import Path

import pytest

from escuta.report.measures import read_measures, short
from escuta.run.folder import RunFolder
from shown import begin_run, score, speak


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = begin_run(tmp_path / "anna")
    speak(run, "epoch_0", 0, seeds=(0, 1, 2))
    speak(run, "epoch_1", 10)
    speak(run, "epoch_2", 20)
    return run


NAMES = ("epoch_0", "epoch_1", "epoch_2")


def test_a_run_without_scores_has_none(run: RunFolder) -> None:
    measures = read_measures(run.samples, NAMES, {})
    assert (measures.rows(), measures.means("epoch_1"), measures.missing) == ([], [], {})
    assert measures.of("epoch_1", "epoch_1_output.wav").scores == []


def test_deciding_scores_come_first_and_unknown_ones_are_left_out(run: RunFolder) -> None:
    score(run, "epoch_1", {"loudness": -20.0, "naturalness": 3.5, "of_next_year": 1.0, "character_error_rate": 0.25})
    measures = read_measures(run.samples, NAMES, {})
    assert measures.names == ["character_error_rate", "naturalness", "loudness"]
    assert measures.means("epoch_1") == [0.25, 3.5, -20.0]
    assert measures.of("epoch_1", "epoch_1_output.wav").scores == [0.25, 3.5]
    assert [row["by"] for row in measures.rows()] == ["", "DistillMOS 0.9.1", ""]


def test_better_is_said_beyond_the_noise_alone(run: RunFolder) -> None:
    score(run, "epoch_0", {"naturalness": 3.0, "character_error_rate": 0.2, "speaker_similarity": 0.5})
    score(run, "epoch_1", {"naturalness": 3.015, "character_error_rate": 0.6, "speaker_similarity": 0.9})
    measures = read_measures(run.samples, NAMES, {})
    assert measures.verdicts("epoch_1") == {"character_error_rate": "worse", "speaker_similarity": "better"}
    assert measures.verdicts("epoch_0") == {}
    assert measures.verdicts("epoch_2") == {}


def test_a_damaged_file_of_scores_is_a_gap(run: RunFolder) -> None:
    score(run, "epoch_1", {"naturalness": 3.0})
    (run.samples / "epoch_2.scores.json").write_text('{"files": [{"file')
    measures = read_measures(run.samples, NAMES, {})
    assert (measures.means("epoch_1"), measures.means("epoch_2")) == ([3.0], [])


def test_what_the_newest_lacks_is_known(run: RunFolder) -> None:
    score(run, "epoch_1", {"loudness": -20.0}, missing={"naturalness": "its weights are missing"})
    score(run, "epoch_2", {"loudness": -20.0}, missing={"speaker_similarity": "no package"})
    assert read_measures(run.samples, NAMES, {}).missing == {"speaker_similarity": "no package"}


@pytest.mark.parametrize(
    ("value", "expected"), [(0.123456, 0.1235), (-22.0, -22.0), (float("nan"), None), (None, None)]
)
def test_numbers_are_short(value: float | None, expected: float | None) -> None:
    assert short(value) == expected

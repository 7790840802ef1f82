import pytest

from escuta.scoring.later import score_later
from escuta.settings import ScoreSettings
from escuta.terminal import Terminal
from spoken_runs import make_spoken_run


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def test_what_is_not_scored_is_scored_and_all_is_shown(tmp_path, takes, log):
    run = make_spoken_run(tmp_path / "run", takes)
    (run.samples / "epoch_1_output_01.flac").write_bytes(b"torn")
    terminal = Terminal()
    terminal.keep(log)

    assert score_later(run, ScoreSettings(), terminal, threads=1) == ["epoch_1"]

    said = log.read_text(encoding="utf-8")
    assert "Not measured: Character error rate" in said
    assert "epoch_1_output_01.flac: not a wav" in said
    rows = [line.split()[0] for line in said.splitlines()[-3:]]
    assert rows == ["errors", "held_out", "epoch_0"]

    made = {path: path.stat().st_mtime_ns for path in run.samples.glob("*.scores.json")}
    score_later(run, ScoreSettings(), terminal, threads=1)
    assert {path: path.stat().st_mtime_ns for path in made} == made

    score_later(run, ScoreSettings(), terminal, threads=1, again=True)
    assert all(path.stat().st_mtime_ns > before for path, before in made.items())

import pytest

from commands import gone
from escuta.run.child import Child
from escuta.scoring.scorer import HELD_OUT
from escuta.scoring.worker import command
from runs import until
from spoken_runs import make_sample, make_spoken_run


@pytest.fixture
def start():
    children = []

    def start(run):
        children.append(Child(command(run.path, 1), nice=0, threads=1))
        return children[-1]

    yield start
    for child in children:
        child.end()


def answers(child, number):
    """Wait for so many messages that are no signs of life."""
    found = []

    def there():
        found.extend(message for message in child.messages() if "alive" not in message)
        return len(found) >= number

    until(there)
    return found


def test_names_come_in_and_scores_go_out(tmp_path, takes, whisper, start):
    run = make_spoken_run(tmp_path / "run", takes, whisper=whisper)
    child = start(run)
    for name in ("epoch_0", "epoch_7", HELD_OUT):
        child.tell({"name": name})

    ready, scored, unscored, held_out = answers(child, 4)

    assert ready == {"ready": True}
    assert scored["scored"]["name"] == "epoch_0"
    assert scored["scored"]["missing"] == {}
    assert scored["scored"]["mean"]["character_error_rate"] <= 0.1
    assert unscored["unscored"]["name"] == "epoch_7"
    assert "epoch_7.json: missing or damaged" in unscored["unscored"]["reason"]
    assert held_out["scored"].keys() == {"name", "seconds", "mean", "missing"}
    assert (run.samples / "epoch_0.scores.json").exists()


def test_a_recording_of_another_kind_is_a_failure_with_its_cause_and_the_next_is_scored(tmp_path, takes, start):
    run = make_spoken_run(tmp_path / "run", takes)
    (run.samples / "epoch_0_output_01.flac").write_bytes(b"torn")
    make_sample(run, "epoch_1", takes[:1], epoch=1)
    child = start(run)
    child.tell({"name": "epoch_0"})
    child.tell({"name": "epoch_1"})

    _ready, unscored, scored = answers(child, 3)

    assert "epoch_0_output_01.flac: not a wav" in unscored["unscored"]["reason"]
    assert scored["scored"]["name"] == "epoch_1"


def test_a_run_that_is_none_is_said_and_it_ends(tmp_path, start):
    child = start(type("Run", (), {"path": tmp_path}))

    assert "settings.toml: not found" in answers(child, 1)[0]["fatal"]
    until(lambda: gone(child.pid))


def test_it_is_the_first_to_be_ended_where_memory_runs_out_and_ends_with_its_parent(tmp_path, takes, start):
    child = start(make_spoken_run(tmp_path / "run", takes))
    answers(child, 1)

    with open(f"/proc/{child.pid}/oom_score_adj") as file:
        assert file.read().strip() == "800"
    child._process.stdin.close()
    until(lambda: gone(child.pid))

import os
import signal
import sys
import textwrap

import pytest

from commands import gone
from escuta.run.events import EventLog, read_events
from escuta.scoring import scorekeeper
from escuta.scoring.scorekeeper import Scorekeeper, missing_lines
from escuta.terminal import Terminal
from runs import until
from spoken_runs import make_spoken_run


class Desk:
    """A scorekeeper, and what it tells."""

    def __init__(self, run, **options):
        self.run = run
        self._log = run.path / "train_output.log"
        terminal = Terminal()
        terminal.keep(self._log)
        self.keeper = Scorekeeper(run, EventLog(run.events), terminal, threads=1, **options)

    def events(self, *kinds):
        return [event for event in read_events(self.run.events) if event["event"] in kinds]

    def said(self):
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def finish(self):
        def done():
            self.keeper.tell()
            return not self.keeper.waiting()

        until(done)


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    """The process is as important as the test that waits for it, and is started again at once."""
    monkeypatch.setattr(scorekeeper, "NICENESS", 0)
    monkeypatch.setattr(scorekeeper, "BACK_OFF_SECONDS", (0.0,) * len(scorekeeper.BACK_OFF_SECONDS))


@pytest.fixture
def desk(tmp_path, takes):
    desks = []

    def desk(*, epochs=1, **options):
        run = make_spoken_run(tmp_path / "run", takes, epochs=epochs)
        desks.append(Desk(run, **options))
        return desks[-1]

    yield desk
    for one in desks:
        one.keeper.close()


@pytest.fixture
def instead(monkeypatch):
    """Start a script in place of the process that scores; it may know the name it is given as `name`."""

    def instead(script):
        body = textwrap.indent(textwrap.dedent(script), "    ")
        loop = "import sys, json, time, os\nfor line in sys.stdin:\n    name = json.loads(line)['name']\n" + body
        monkeypatch.setattr(scorekeeper, "command", lambda _run, _threads: [sys.executable, "-c", loop])

    return instead


ANSWER = """
scored = {"name": name, "epoch": 1, "step": 4, "seconds": 1.0, "mean": {"clipping": 0.0}, "missing": {}}
print(json.dumps({"scored": scored}), flush=True)
"""


def test_samples_and_the_real_clips_are_scored_and_noted_while_the_caller_goes_on(desk):
    one = desk()
    assert one.keeper.pid is None  # no process before there is something to score
    one.keeper.ask("epoch_0")
    one.keeper.ask("epoch_1")
    assert one.keeper.tell() is False
    assert one.keeper.waiting() == ["epoch_0", "held_out", "epoch_1"]

    one.finish()

    scored = one.events("scored")
    assert [(event["name"], event["epoch"], event["step"]) for event in scored] == [
        ("epoch_0", 0, 0),
        ("epoch_1", 1, 4),
    ]
    assert scored[0]["mean"]["naturalness"] > 3
    assert scored[0]["missing"].keys() == {"character_error_rate"}
    assert (one.run.samples / "held_out.scores.json").exists()
    assert one.said().count("Not measured: Character error rate (the recogniser base is not here") == 1
    pid = one.keeper.pid
    one.keeper.close()
    assert gone(pid)


def test_what_an_earlier_start_left_unscored_is_scored(desk):
    one = desk(epochs=2)
    (one.run.samples / "epoch_1.scores.json").write_text("{}")
    (one.run.samples / "held_out.scores.json").write_text("{}")

    one.keeper.recall()

    assert one.keeper.waiting() == ["epoch_0", "epoch_2"]


def test_killed_it_is_started_again_and_scores_everything(desk, instead):
    instead("time.sleep(600)")
    one = desk()
    one.keeper.ask("epoch_0")
    one.keeper.tell()
    instead(ANSWER)
    os.kill(one.keeper.pid, signal.SIGKILL)

    one.finish()

    assert [event["name"] for event in one.events("scored")] == ["epoch_0"]
    assert one.events("unscored") == []


def test_a_sample_that_kills_it_twice_goes_unscored_and_the_next_is_scored(desk, instead):
    instead("if name == 'epoch_0':\n    os._exit(9)\n" + ANSWER)
    one = desk()
    one.keeper.ask("epoch_0")
    one.keeper.ask("epoch_1")

    one.finish()

    assert [event["name"] for event in one.events("scored")] == ["epoch_1"]
    unscored = one.events("unscored")
    assert [(event["name"], event["reason"]) for event in unscored] == [("epoch_0", "it died (exit status 9)")]
    assert "epoch_0 could not be scored: it died" in one.said()


def test_one_that_hangs_is_ended_and_given_up_after_a_few_times(desk, instead):
    instead("time.sleep(600)")
    one = desk(timeout_seconds=0.2)
    for number in range(4):
        one.keeper.ask(f"epoch_{number}")

    one.finish()

    assert {event["name"] for event in one.events("unscored")} == {f"epoch_{n}" for n in range(4)} | {"held_out"}
    assert one.said().count("Samples are scored no more (it was silent for 0 s); training goes on.") == 1
    assert one.keeper.pid is None
    one.keeper.ask("epoch_5")
    assert one.keeper.waiting() == []


def test_what_cannot_work_is_said_once(desk):
    one = desk()
    one.run.settings.write_text("[scores]\nunknown = 1\n")
    one.keeper.ask("epoch_0")

    one.finish()

    assert "Samples are scored no more (" in one.said()
    assert "unknown is not a setting" in one.said()
    assert len(one.events("unscored")) == 2


def test_at_the_end_it_is_waited_for_until_somebody_wants_no_more(desk, instead):
    instead("time.sleep(600)")
    one = desk()
    one.keeper.ask("epoch_0")
    asked = iter([False, False, True])

    one.keeper.catch_up(stop=lambda: next(asked))
    one.keeper.tell_left()

    assert "⏳ Scoring 2 samples..." in one.said()
    assert "Not scored: epoch_0, held_out. Score them later with: escuta score RUN" in one.said()


def test_patience_has_an_end(desk, instead, monkeypatch):
    monkeypatch.setattr(scorekeeper, "PATIENCE_SECONDS", 0.1)
    instead("time.sleep(600)")
    one = desk()
    one.keeper.ask("epoch_0")

    one.keeper.catch_up(stop=lambda: False)

    assert one.keeper.waiting() == ["epoch_0", "held_out"]


def test_scores_that_share_a_reason_share_a_line():
    reasons = {"f0_median": "no package", "f0_range": "no package", "naturalness": "no weights"}

    assert missing_lines(reasons) == [
        "⚠️  Not measured: Pitch, median, Pitch, range (no package)",
        "⚠️  Not measured: Naturalness (no weights)",
    ]

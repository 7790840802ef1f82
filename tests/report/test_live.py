from pathlib import Path

import pytest

from escuta.report.live import LiveRun
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from listening import make_spoken_run, speak


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make_spoken_run(tmp_path / "anna", epochs=1)


def test_nothing_is_new_until_something_happens(run: RunFolder) -> None:
    live = LiveRun(run, "/runs/0/")

    assert live.version() == live.version()


def test_an_event_is_news(run: RunFolder) -> None:
    live = LiveRun(run, "/runs/0/")
    before = live.version()
    EventLog(run.events).write("fallback", {"from": "inline", "to": "background", "reason": "no memory"})

    assert live.version() == before + 1
    assert live.version() == before + 1


def test_a_step_is_no_news(run: RunFolder) -> None:
    live = LiveRun(run, "/runs/0/")
    before = live.version()
    EventLog(run.events).write("step", {"step": 11, "epoch": 2, "loss": 3.0})

    assert live.version() == before


def test_a_torn_last_line_waits_until_it_is_whole(run: RunFolder) -> None:
    live = LiveRun(run, "/runs/0/")
    before = live.version()
    with run.events.open("ab", buffering=0) as file:
        file.write(b'{"event": "fini')
        assert live.version() == before
        file.write(b'shed"}\n')
        assert live.version() == before + 1


def test_a_file_that_appears_in_the_samples_is_news(run: RunFolder) -> None:
    live = LiveRun(run, "/runs/0/")
    before = live.version()
    (run.samples / "epoch_1.scores.json").write_text("{}")

    assert live.version() == before + 1


def test_a_run_that_was_begun_afresh_is_news(run: RunFolder) -> None:
    live = LiveRun(run, "/runs/0/")
    before = live.version()
    run.events.write_text('{"event": "start"}\n')

    assert live.version() > before


def test_a_run_without_any_file_has_a_version(tmp_path: Path) -> None:
    live = LiveRun(RunFolder(tmp_path / "nothing"), "/runs/0/")

    assert live.version() == live.version()


def test_the_view_is_made_anew_when_there_is_news_only(run: RunFolder) -> None:
    live = LiveRun(run, "/runs/3/")
    first = live.view()
    assert live.view() is first
    speak(run, 2)

    assert [checkpoint["name"] for checkpoint in first["checkpoints"]] == ["epoch_0", "epoch_1"]
    assert [checkpoint["name"] for checkpoint in live.view()["checkpoints"]] == ["epoch_0", "epoch_1", "epoch_2"]


def test_sounds_and_pictures_have_the_servers_addresses(run: RunFolder) -> None:
    view = LiveRun(run, "/runs/3/").view()

    assert (view["samples"], view["pictures"]) == ("/runs/3/samples/", "/runs/3/pictures/")

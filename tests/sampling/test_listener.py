import time

import pytest

from escuta.models.load import load_model
from escuta.run.events import EventLog, read_events
from escuta.run.folder import RunFolder
from escuta.sampling.background import BackgroundSpeaker
from escuta.sampling.inline import InlineSpeaker
from escuta.sampling.listener import Listener
from escuta.sampling.sampler import Sampler
from escuta.scoring import scorekeeper
from escuta.scoring.scorekeeper import Scorekeeper
from escuta.settings import Settings, settings_toml
from escuta.terminal import Terminal
from runs import make_checkpoint, make_job


class Scene:
    """A listener and what it tells."""

    def __init__(self, folder, mode, speakers):
        self._log, self._events = folder / "train_output.log", folder / "events.jsonl"
        self.news = []
        terminal = Terminal()
        terminal.keep(self._log)
        self.listener = Listener(
            Sampler(mode, speakers, lambda *_change: None),
            folder / "samples",
            from_dataset=True,
            events=EventLog(self._events),
            terminal=terminal,
            on_news=lambda: self.news.append(len(self.events())),
        )

    def events(self):
        return [(event["event"], event["name"]) for event in read_events(self._events)]

    def said(self):
        return self._log.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def scene(quick_base, workplace, tmp_path):
    scenes = []

    def scene(mode):
        model = load_model(quick_base, uses=["training", "speaking"])
        speakers = {"inline": lambda: InlineSpeaker(model), "background": lambda: BackgroundSpeaker(workplace)}
        scenes.append(Scene(tmp_path, mode, speakers))
        return scenes[-1]

    yield scene
    for one in scenes:
        one.listener.close()


def test_asking_and_answer_are_noted_and_told(scene, tmp_path):
    inline = scene("inline")

    inline.listener.ask(make_job(tmp_path))

    assert inline.events() == [("sample_asked", "epoch_1"), ("sample", "epoch_1")]
    assert inline.news == [2]  # told once the answer was noted
    assert inline.said()[1] == "🎤 Generating audio sample (training process, CPU)..."
    assert "   ✅ Sample generated: epoch_1_output.wav" in inline.said()
    asked, answer = read_events(tmp_path / "events.jsonl")
    assert inline.listener.stall_seconds >= asked["stall_seconds"] >= answer["seconds"] - 0.001 > 0
    assert (asked["epoch"], asked["step"], answer["status"], answer["mode"]) == (1, 4, "spoken", "inline")


def test_speaking_in_the_background_holds_nothing_up_until_the_end_waits_for_it(scene, quick_base, tmp_path):
    beside = scene("background")
    checkpoint = make_checkpoint(tmp_path / "checkpoint_epoch_1.pt", quick_base)

    beside.listener.ask(make_job(tmp_path, name="epoch_0"))
    beside.listener.ask(make_job(tmp_path, name="epoch_1", checkpoint=checkpoint))

    assert beside.events() == [("sample_asked", "epoch_0"), ("sample_asked", "epoch_1")]
    assert beside.listener.checkpoints_needed() == {checkpoint}
    stall_seconds, started = beside.listener.stall_seconds, time.perf_counter()

    beside.listener.finish(stop=lambda: False)

    assert beside.events()[2:] == [("sample", "epoch_0"), ("sample", "epoch_1")]
    assert beside.listener.checkpoints_needed() == set()
    assert "⏳ Waiting for 2 samples..." in beside.said()
    assert len(beside.news) == 2
    waited = time.perf_counter() - started
    assert beside.listener.stall_seconds - stall_seconds < waited / 2  # nobody is held up by waiting at the end


def test_after_catching_up_more_can_be_asked_for(scene, tmp_path):
    beside = scene("background")
    beside.listener.ask(make_job(tmp_path, name="epoch_0"))

    beside.listener.catch_up(stop=lambda: False)

    assert beside.events() == [("sample_asked", "epoch_0"), ("sample", "epoch_0")]
    assert beside.listener.is_heard
    beside.listener.ask(make_job(tmp_path, name="epoch_1"))
    beside.listener.finish(stop=lambda: False)
    assert beside.events()[2:] == [("sample_asked", "epoch_1"), ("sample", "epoch_1")]
    assert not beside.listener.is_heard


def test_who_does_not_want_to_wait_is_told_what_was_not_spoken(scene, tmp_path):
    beside = scene("background")
    beside.listener.ask(make_job(tmp_path, name="epoch_0"))
    beside.listener.ask(make_job(tmp_path, name="epoch_1"))

    beside.listener.finish(stop=lambda: True)

    assert beside.said()[-1] == "Not spoken: epoch_0, epoch_1. Speak them later with: escuta sample RUN --missing"
    assert [event for event, _name in beside.events()] == ["sample_asked"] * 2


def test_where_nobody_speaks_every_job_is_noted_as_skipped(scene, tmp_path):
    silent = scene("off")

    silent.listener.ask(make_job(tmp_path))
    silent.listener.finish(stop=lambda: False)

    assert silent.events() == [("sample_asked", "epoch_1"), ("sample", "epoch_1")]
    assert silent.said() == ["⏭️  Sample epoch_1 skipped: nobody speaks any more"]


def test_what_was_spoken_is_scored_and_waited_for_at_the_end(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(scorekeeper, "NICENESS", 0)
    run = RunFolder(tmp_path)
    run.write_facts({"language": "en"})
    run.settings.write_text(settings_toml(Settings()))
    inline = scene("inline")
    inline.listener.scorekeeper = Scorekeeper(run, EventLog(run.events), Terminal(), threads=1)

    inline.listener.ask(make_job(tmp_path))
    inline.listener.ask(make_job(tmp_path, name="epoch_2", reference=tmp_path / "gone.wav"))
    assert ("scored", "epoch_1") not in inline.events()  # nobody waits for it before
    inline.listener.finish(stop=lambda: False)

    assert [name for event, name in inline.events() if event == "scored"] == ["epoch_1"]
    assert inline.events()[-1] == ("unscored", "held_out")  # there are no real clips
    assert inline.news[-1] == len(inline.events())
    assert inline.listener.scorekeeper.pid is None

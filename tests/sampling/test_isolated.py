import os
import resource
import signal
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from commands import runs
from escuta.sampling.isolated import IsolatedSpeaker
from escuta.sampling.speaker import MAX_RESTARTS, SpeakerBroken
from runs import make_job, until


class Room:
    """Notes who was in it."""

    def __init__(self):
        self.notes = []

    @contextmanager
    def __call__(self):
        self.notes.append("training is out")
        yield
        self.notes.append("training is back")


def children():
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def do_to_next_child(number):
    """Send signal `number` to the process that is started next, as soon as it runs its own program.

    Not before: one that is stopped while it still shares our memory stops us too.
    """

    def started():
        return [pid for pid in children() - before if runs(pid, "escuta.sampling.worker")]

    def watch():
        until(started)
        for pid in started():
            os.kill(pid, number)

    before = children()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_every_sample_has_a_process_of_its_own_while_training_is_out(workplace, tmp_path):
    room, before = Room(), children()
    speaker = IsolatedSpeaker(workplace, room)

    for number in range(2):
        speaker.submit(make_job(tmp_path, name=f"epoch_{number}"))

    results = speaker.results()
    assert [(result.name, result.status, result.mode) for result in results] == [
        ("epoch_0", "spoken", "isolated"),
        ("epoch_1", "spoken", "isolated"),
    ]
    assert room.notes == ["training is out", "training is back"] * 2
    assert children() == before
    assert speaker.results() == speaker.waiting() == []


def test_a_process_that_dies_is_a_failed_sample_and_training_comes_back(workplace, tmp_path):
    room = Room()
    speaker = IsolatedSpeaker(workplace, room)

    killer = do_to_next_child(signal.SIGKILL)
    speaker.submit(make_job(tmp_path))
    killer.join()

    assert [(result.status, result.reason) for result in speaker.results()] == [("failed", "it died (signal 9)")]
    assert room.notes == ["training is out", "training is back"]


def test_a_process_that_hangs_is_killed_after_its_time(workplace, tmp_path):
    speaker, before = IsolatedSpeaker(replace(workplace, timeout_seconds=0.5), Room()), children()

    stopper = do_to_next_child(signal.SIGSTOP)
    speaker.submit(make_job(tmp_path))
    stopper.join()

    assert [(result.status, result.reason) for result in speaker.results()] == [("failed", "it was silent for 0 s")]
    assert children() == before


def test_dying_every_time_it_is_given_up(workplace, tmp_path):
    room = Room()
    speaker = IsolatedSpeaker(workplace, room)
    jobs = [make_job(tmp_path, name=f"epoch_{number}") for number in range(MAX_RESTARTS + 1)]

    def submit_and_kill(job):
        killer = do_to_next_child(signal.SIGKILL)
        speaker.submit(job)
        killer.join()

    for job in jobs[:-1]:
        submit_and_kill(job)
    with pytest.raises(SpeakerBroken) as broken:
        submit_and_kill(jobs[-1])

    assert broken.value.reason == "it died (signal 9)"
    assert broken.value.jobs == jobs[-1:]
    assert [result.status for result in speaker.results()] == ["failed"] * MAX_RESTARTS


def test_a_base_that_cannot_be_loaded_breaks_it_with_the_cause_and_the_job(workplace, tmp_path):
    speaker = IsolatedSpeaker(replace(workplace, base=tmp_path / "nowhere"), Room())
    job = make_job(tmp_path)

    with pytest.raises(SpeakerBroken, match="nowhere") as broken:
        speaker.submit(job)

    assert broken.value.jobs == [job]


def test_no_room_for_another_process_breaks_it_with_the_cause(workplace, tmp_path):
    speaker, job = IsolatedSpeaker(workplace, Room()), make_job(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) - 1, hard))
    try:
        with pytest.raises(SpeakerBroken, match="Too many open files") as broken:
            speaker.submit(job)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert broken.value.jobs == [job]


def test_a_checkpoint_that_cannot_be_used_is_a_failed_sample(workplace, tmp_path):
    speaker = IsolatedSpeaker(workplace, Room())

    speaker.submit(make_job(tmp_path, checkpoint=tmp_path / "gone.pt"))

    (result,) = speaker.results()
    assert (result.status, result.mode) == ("failed", "isolated")
    assert result.reason.startswith(f"{tmp_path / 'gone.pt'}: ")

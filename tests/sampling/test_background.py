import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from escuta.sampling import background
from escuta.sampling.background import MAX_WAITING, BackgroundSpeaker
from escuta.sampling.speaker import MAX_RESTARTS, SpeakerBroken
from runs import make_job, until

LONG = ("One.",) * 500


@pytest.fixture(autouse=True)
def no_back_off(monkeypatch):
    monkeypatch.setattr(background, "BACK_OFF_SECONDS", (0.0,) * MAX_RESTARTS)


@pytest.fixture
def speaker(workplace):
    speaker = BackgroundSpeaker(workplace)
    yield speaker
    speaker.close()


def collect(speaker, names):
    """Wait for the results of `names`; return them by name."""
    found = {}

    def all_there():
        found.update({result.name: result for result in speaker.results()})
        return found.keys() >= names

    until(all_there)
    assert found.keys() == names
    return found


def wait_until_it_speaks(speaker):
    """Wait for the sign of life that comes with the first code."""
    until(lambda: speaker.results() or speaker._ready)
    heard_at = speaker._process.heard_at
    until(lambda: speaker.results() or speaker._process.heard_at > heard_at)


def kill(speaker):
    """Kill the process that speaks; return what came of it once the speaker has seen that it is gone."""
    killed, results = speaker.pid, []
    os.kill(killed, signal.SIGKILL)

    def seen():
        results.extend(speaker.results())
        return speaker.pid != killed

    until(seen)
    return results


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_jobs_are_spoken_one_after_the_other_by_one_process_while_the_caller_goes_on(speaker, tmp_path):
    pid = speaker.pid
    started = time.monotonic()
    for number in range(3):
        speaker.submit(make_job(tmp_path, name=f"epoch_{number}"))
    assert speaker.results() == []
    assert time.monotonic() - started < 1.0  # importing torch alone takes longer
    assert [job.name for job in speaker.waiting()] == ["epoch_0", "epoch_1", "epoch_2"]

    results = collect(speaker, {"epoch_0", "epoch_1", "epoch_2"})

    assert {result.status for result in results.values()} == {"spoken"}
    assert {result.mode for result in results.values()} == {"background"}
    assert speaker.waiting() == []
    assert speaker.pid == pid
    speaker.close()
    assert gone(pid)


def test_killed_while_it_speaks_it_is_started_again_and_says_everything(speaker, tmp_path):
    speaker.submit(make_job(tmp_path, name="epoch_1", sentences=LONG))
    speaker.submit(make_job(tmp_path, name="epoch_2"))
    wait_until_it_speaks(speaker)
    killed = speaker.pid
    os.kill(killed, signal.SIGKILL)
    speaker._speaking = replace(speaker._speaking, sentences=LONG[:1])  # said once, so that the test ends

    results = collect(speaker, {"epoch_1", "epoch_2"})

    assert {result.status for result in results.values()} == {"spoken"}
    assert speaker.pid != killed


def test_killed_between_two_jobs_it_is_started_again(speaker, tmp_path):
    speaker.submit(make_job(tmp_path, name="epoch_1"))
    collect(speaker, {"epoch_1"})
    os.kill(speaker.pid, signal.SIGKILL)
    until(lambda: gone(speaker.pid))

    speaker.submit(make_job(tmp_path, name="epoch_2"))

    assert collect(speaker, {"epoch_2"})["epoch_2"].status == "spoken"


def test_hung_it_is_killed_after_its_time_and_started_again(speaker, tmp_path):
    speaker.submit(make_job(tmp_path, name="epoch_1"))
    hung = speaker.pid
    os.kill(hung, signal.SIGSTOP)
    speaker.results()
    assert speaker.pid == hung
    speaker._process.heard_at -= 301  # its time has passed

    results = collect(speaker, {"epoch_1"})

    assert results["epoch_1"].status == "spoken"
    assert speaker.pid != hung
    assert gone(hung)


def test_silence_between_two_jobs_is_no_reason_to_kill(speaker, tmp_path):
    speaker.submit(make_job(tmp_path, name="epoch_1"))
    collect(speaker, {"epoch_1"})
    pid = speaker.pid
    speaker._process.heard_at -= 10_000

    speaker.submit(make_job(tmp_path, name="epoch_2"))

    collect(speaker, {"epoch_2"})
    assert speaker.pid == pid


def test_a_job_that_kills_the_process_twice_has_failed_and_the_next_is_taken(speaker, tmp_path):
    speaker.submit(make_job(tmp_path, name="epoch_1"))
    speaker.submit(make_job(tmp_path, name="epoch_2"))
    results = []
    for _attempt in range(2):
        until(lambda: speaker.results() or speaker.pid)
        assert [job.name for job in speaker.waiting()] == ["epoch_1", "epoch_2"]
        results += kill(speaker)

    assert [(result.name, result.status, result.reason) for result in results] == [
        ("epoch_1", "failed", "it died (signal 9)")
    ]
    assert [job.name for job in speaker.waiting()] == ["epoch_2"]


def test_dying_every_time_it_is_given_up_and_its_jobs_are_handed_on(speaker, tmp_path):
    jobs = [make_job(tmp_path, name=f"epoch_{number}") for number in range(4)]
    for job in jobs:
        speaker.submit(job)

    results = []

    def kill_until_it_breaks():
        for _kill in range(MAX_RESTARTS + 1):
            until(lambda: speaker.results() or speaker.pid)
            results.extend(kill(speaker))

    with pytest.raises(SpeakerBroken) as broken:
        kill_until_it_breaks()

    assert broken.value.reason == "it died (signal 9)"
    assert broken.value.jobs == jobs[2:]  # the first two had killed it twice each, as far as anybody can tell
    results.extend(speaker.results())
    assert [(result.name, result.status) for result in results] == [("epoch_0", "failed"), ("epoch_1", "failed")]
    assert speaker.pid is None


def test_a_base_that_cannot_be_loaded_breaks_it_with_the_cause_and_the_jobs(workplace, tmp_path):
    speaker = BackgroundSpeaker(replace(workplace, base=tmp_path / "nowhere"))
    jobs = [make_job(tmp_path, name=f"epoch_{number}") for number in range(2)]
    for job in jobs:
        speaker.submit(job)

    with pytest.raises(SpeakerBroken, match="nowhere") as broken:
        until(lambda: speaker.results())

    assert broken.value.jobs == jobs
    assert speaker.pid is None
    assert speaker.results() == []
    assert speaker.pid is None  # nothing is started again


def test_no_room_for_another_process_breaks_it_with_the_cause(workplace, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) - 1, hard))
    try:
        with pytest.raises(SpeakerBroken, match="Too many open files"):
            BackgroundSpeaker(workplace)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_when_too_many_wait_the_oldest_that_is_not_the_best_is_skipped(speaker, tmp_path):
    for number in range(MAX_WAITING + 3):
        speaker.submit(make_job(tmp_path, name=f"epoch_{number}", best=number == 1))

    skipped = speaker.results()

    assert [(result.name, result.status, result.reason) for result in skipped] == [
        ("epoch_2", "skipped", "newer checkpoints were waiting"),
        ("epoch_3", "skipped", "newer checkpoints were waiting"),
    ]
    assert [job.name for job in speaker.waiting()] == ["epoch_0", "epoch_1", "epoch_4", "epoch_5", "epoch_6"]


def test_the_newest_is_never_skipped(speaker, tmp_path):
    for number in range(MAX_WAITING + 2):
        speaker.submit(make_job(tmp_path, name=f"epoch_{number}", best=number <= MAX_WAITING))

    assert [result.name for result in speaker.results()] == ["epoch_1"]
    assert speaker.waiting()[-1].name == f"epoch_{MAX_WAITING + 1}"


def test_ctrl_c_does_not_reach_it_and_it_does_not_outlive_the_training(quick_base):
    training = textwrap.dedent("""
        import signal, sys
        from pathlib import Path
        from escuta.sampling.background import BackgroundSpeaker
        from escuta.sampling.process import Workplace

        signal.signal(signal.SIGINT, lambda *_: print("asked", flush=True))
        speaker = BackgroundSpeaker(Workplace(Path(sys.argv[1]), "cpu", 1, 300.0))
        while not speaker._ready:
            speaker.results()
        print(speaker.pid, flush=True)
        while True:
            signal.pause()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", training, str(quick_base)], stdout=subprocess.PIPE, text=True, process_group=0
    ) as process:
        try:
            pid = int(process.stdout.readline())
            os.killpg(process.pid, signal.SIGINT)
            assert process.stdout.readline() == "asked\n"
            assert not gone(pid)
        finally:
            process.kill()
    until(lambda: gone(pid))

import os
import resource
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from commands import gone
from escuta.sampling import background
from escuta.sampling.background import MAX_WAITING, BackgroundSpeaker
from escuta.sampling.speaker import MAX_RESTARTS, SpeakerBroken
from runs import make_job, until

LONG = ("One.",) * 500


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
    """Kill its process, once there is one; give the results that come until that is noticed."""
    results = []
    until(lambda: speaker.pid or results.extend(speaker.results()))
    pid = speaker.pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: results.extend(speaker.results()) or speaker.pid != pid)
    return results


def test_jobs_are_spoken_one_after_the_other_by_one_process_while_the_caller_goes_on(speaker, tmp_path):
    pid = speaker.pid
    for number in range(3):
        speaker.submit(make_job(tmp_path, name=f"epoch_{number}"))
    assert speaker.results() == []
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
    kill(speaker)
    speaker._jobs[0] = replace(speaker._jobs[0], sentences=LONG[:1])  # said once, so that the test ends

    results = collect(speaker, {"epoch_1", "epoch_2"})

    assert {result.status for result in results.values()} == {"spoken"}
    assert speaker.pid != killed


def test_killed_between_two_jobs_it_is_started_again(speaker, tmp_path):
    speaker.submit(make_job(tmp_path, name="epoch_1"))
    collect(speaker, {"epoch_1"})
    kill(speaker)

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


def test_it_is_less_important_than_training(workplace, monkeypatch):
    monkeypatch.setattr(background, "NICENESS", 7)
    speaker = BackgroundSpeaker(workplace)

    assert os.getpriority(os.PRIO_PROCESS, speaker.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 7)
    speaker.close()


def test_silence_between_two_jobs_is_no_reason_to_kill(speaker, tmp_path):
    speaker.submit(make_job(tmp_path, name="epoch_1"))
    collect(speaker, {"epoch_1"})
    pid = speaker.pid
    speaker._process.heard_at -= 10_000

    assert speaker.results() == []
    assert speaker.pid == pid
    speaker.submit(make_job(tmp_path, name="epoch_2"))

    collect(speaker, {"epoch_2"})
    assert speaker.pid == pid


def test_a_job_that_kills_the_process_twice_has_failed_and_the_next_is_taken(speaker, tmp_path):
    speaker.submit(make_job(tmp_path, name="epoch_1"))
    speaker.submit(make_job(tmp_path, name="epoch_2"))

    assert kill(speaker) == []
    assert [job.name for job in speaker.waiting()] == ["epoch_1", "epoch_2"]
    results = kill(speaker)

    assert [(result.name, result.status, result.reason) for result in results] == [
        ("epoch_1", "failed", "it died (signal 9)")
    ]
    assert [job.name for job in speaker.waiting()] == ["epoch_2"]


def test_dying_every_time_it_is_given_up_and_its_jobs_are_handed_on(speaker, tmp_path):
    jobs = [make_job(tmp_path, name=f"epoch_{number}") for number in range(4)]
    for job in jobs:
        speaker.submit(job)

    for _restart in range(MAX_RESTARTS):
        kill(speaker)
    with pytest.raises(SpeakerBroken) as broken:
        kill(speaker)

    assert broken.value.reason == "it died (signal 9)"
    assert broken.value.jobs == jobs[2:]  # the first two had killed it twice each, as far as anybody can tell
    assert [(result.name, result.status) for result in speaker.results()] == [("epoch_1", "failed")]
    assert speaker.pid is None


def test_only_deaths_without_a_sample_between_them_count(speaker, tmp_path):
    for number in range(3):
        speaker.submit(make_job(tmp_path, name=f"epoch_{number}"))
    for _restart in range(MAX_RESTARTS):
        kill(speaker)
    collect(speaker, {"epoch_1", "epoch_2"})

    kill(speaker)

    assert speaker.waiting() == []


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
        from escuta.sampling import background
        from escuta.sampling.process import Workplace

        background.NICENESS = 0
        signal.signal(signal.SIGINT, lambda *_: print("asked", flush=True))
        speaker = background.BackgroundSpeaker(Workplace(Path(sys.argv[1]), "cpu", 1, 300.0))
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

import os
import signal
import time

import pytest

from escuta.data.feature_cache import decode
from escuta.data.feature_processes import MAX_DEATHS, FeatureProcess, compute_elsewhere
from escuta.data.feature_worker import FeatureJob
from escuta.errors import DataError
from sounds import make_dataset


@pytest.fixture
def jobs(tmp_path):
    wavs = make_dataset(tmp_path / "voice", 6, seconds=(0.5,)) / "wavs"
    return {path.stem: FeatureJob(path, "Hello.", "en") for path in sorted(wavs.iterdir())}


class Started(list):
    """Processes, and the names of the clips that kill whichever is asked for them."""

    def __init__(self):
        super().__init__()
        self.doomed = set()


@pytest.fixture
def started(monkeypatch):
    """Every process that is started, in order."""
    processes = Started()

    class Noted(FeatureProcess):
        def __init__(self, base):
            super().__init__(base)
            processes.append(self)

        def ask(self, job):
            if job.audio.stem in processes.doomed:  # as the kernel does when memory runs out
                os.kill(self.pid, signal.SIGKILL)
            super().ask(job)

    monkeypatch.setattr("escuta.data.feature_processes.FeatureProcess", Noted)
    return processes


def alive(process):
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def elsewhere(jobs, base, num_processes=2, told=None, stopped=lambda: False):
    tell = (told if told is not None else []).append
    return compute_elsewhere(jobs, base, num_processes=num_processes, tell=tell, stopped=stopped)


def test_several_processes_compute_every_clip_once_though_one_of_them_is_killed(jobs, random_base, started):
    told, found = [], {}
    for key, content in elsewhere(jobs, random_base, told=told):
        if not found:
            os.kill(started[1].pid, signal.SIGKILL)
        assert key not in found
        found[key] = content

    assert sorted(found) == sorted(jobs)
    assert all(decode(content)["mel"].shape[0] == 80 for content in found.values())
    assert len(started) == 2  # the other goes on alone: there may be no memory for two
    assert not any(alive(process) for process in started)
    (line,) = told
    assert line.startswith("⚠️  Features: a process died (signal 9); audio_0000")
    assert line.endswith(".wav is computed again by another.")


def test_a_clip_that_costs_too_many_processes_is_refused(jobs, random_base, started):
    started.doomed.add("audio_00003")
    told, found = [], []

    def compute():
        for key, _content in elsewhere(jobs, random_base, num_processes=1, told=told):
            found.append(key)

    with pytest.raises(DataError) as refused:
        compute()

    assert str(refused.value) == (
        f"{jobs['audio_00003'].audio}: 3 processes died while they computed its features, the last of: signal 9; "
        "expected features. Free some memory, or leave the clip out."
    )
    assert len(started) == MAX_DEATHS  # the last one is replaced
    assert len(told) == MAX_DEATHS - 1
    assert sorted(found) == sorted(set(jobs) - {"audio_00003"})  # all others come first, and are kept
    assert not any(alive(process) for process in started)


def test_what_the_user_can_mend_is_said_as_it_is(jobs, random_base, started):
    jobs["audio_00001"].audio.write_bytes(b"no sound")

    with pytest.raises(DataError, match=r"audio_00001\.wav"):
        list(elsewhere(jobs, random_base, num_processes=1))

    assert not any(alive(process) for process in started)


def test_whoever_wants_no_more_waits_for_nothing(jobs, random_base, started):
    begun = time.monotonic()

    assert list(elsewhere(jobs, random_base, stopped=lambda: len(started) == 2)) == []

    assert time.monotonic() - begun < 30
    assert not any(alive(process) for process in started)


def test_a_process_is_out_of_reach_of_ctrl_c_and_its_last_words_are_its_reason(random_base):
    process = FeatureProcess(random_base)
    assert os.getpgid(process.pid) != os.getpgid(0)
    process.connection.send_bytes(b"no job")

    assert process.answer() is None

    reason = "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"
    assert process.end(wait_seconds=30) == reason

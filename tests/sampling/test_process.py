import os
import signal
import subprocess
import sys
import textwrap

import pytest

from escuta.sampling import process as process_module
from escuta.sampling.process import SpeakingProcess
from escuta.sampling.worker import read_result
from runs import make_job, until


@pytest.fixture
def start(workplace):
    """Start processes that are ended after the test."""
    started = []

    def start(place=workplace, nice=0):
        started.append(SpeakingProcess(place, mode="background", nice=nice))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.fixture
def start_script(start, monkeypatch, tmp_path):
    """Start a process that runs a few lines of Python instead of the worker."""

    def start_script(lines):
        monkeypatch.setattr(process_module, "command", lambda *_args, **_options: [sys.executable, "-c", lines])
        return start()

    return start_script


def all_messages(process):
    messages = []
    until(lambda: messages.extend(process.messages()) or not process.alive())
    return [*messages, *process.messages()]


def test_it_speaks_what_it_is_handed_and_ends_when_asked_to_finish(start, tmp_path):
    process = start()
    process.send(make_job(tmp_path))
    process.finish()

    messages = all_messages(process)

    assert messages[0] == {"ready": True}
    assert read_result(messages[-1]).status == "spoken"
    assert process.end() == "exit status 0"


def test_it_is_less_important_than_training_and_not_in_its_process_group(start):
    process = start(nice=5)

    mine = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(19, mine + 5)
    assert os.getpgid(process.pid) != os.getpgid(0)
    assert os.getsid(process.pid) == os.getsid(0)


def test_its_niceness_is_added_to_that_of_training(quick_base):
    script = textwrap.dedent("""
        import os, sys
        from pathlib import Path
        from escuta.sampling.process import SpeakingProcess, Workplace

        for nice in (0, 5):
            process = SpeakingProcess(Workplace(Path(sys.argv[1]), "cpu", 1, 300.0), mode="isolated", nice=nice)
            print(os.getpriority(os.PRIO_PROCESS, process.pid) - os.getpriority(os.PRIO_PROCESS, 0))
            process.end()
    """)
    command = ["nice", "-n", "3", sys.executable, "-c", script, str(quick_base)]

    assert subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout == "0\n5\n"


def test_it_ends_with_its_own_last_words_or_with_the_signal_that_killed_it(start_script):
    process = start_script("raise SystemExit('the roof is on fire\\n')")
    until(lambda: not process.alive())
    assert process.end() == "the roof is on fire"

    process = start_script("import sys; print('loading', file=sys.stderr); sys.stdin.read()")
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: not process.alive())
    assert process.end() == "signal 9"
    assert process.end() == "signal 9"


def test_a_line_torn_by_a_kill_is_passed_over(start_script):
    process = start_script("print('{\"ready\": true}'); print('{\"result\": {\"na', end='')")

    assert all_messages(process) == [{"ready": True}]


def test_a_job_for_a_process_that_is_gone_is_no_error(start_script, tmp_path):
    process = start_script("")
    until(lambda: not process.alive())

    process.send(make_job(tmp_path))
    process.finish()

    assert process.end() == "exit status 0"


def test_silence_is_measured_since_the_last_message_or_job(start_script, tmp_path):
    told = tmp_path / "told"
    wait = f"while not os.path.exists({str(told)!r}): time.sleep(0.01)"
    process = start_script(f"import os, sys, time\n{wait}\nprint('{{}}', flush=True); sys.stdin.read()")
    process.heard_at -= 1000
    assert process.silent_seconds() > 1000

    process.send(make_job(tmp_path))
    assert process.silent_seconds() < 500
    process.heard_at -= 1000
    told.touch()
    until(process.messages)
    assert process.silent_seconds() < 500


def test_much_on_standard_error_blocks_nothing(start_script):
    process = start_script(
        "import sys; [print('x' * 1000, file=sys.stderr) for _ in range(1000)]; print('{\"ready\": true}')"
    )

    assert all_messages(process) == [{"ready": True}]

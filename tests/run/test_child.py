import os
import signal
import subprocess
import sys
import textwrap

import pytest

from escuta.run.child import Child
from runs import until


@pytest.fixture
def start():
    """Start a process that runs a few lines of Python."""
    started = []

    def start(lines, **options):
        started.append(Child([sys.executable, "-c", textwrap.dedent(lines)], **{"nice": 0, "threads": 1} | options))
        return started[-1]

    yield start
    for child in started:
        child.end()


def all_messages(child):
    messages = []
    until(lambda: messages.extend(child.messages()) or not child.alive())
    return [*messages, *child.messages()]


def test_messages_go_in_and_come_out(start):
    child = start("import sys; [print(line, end='', flush=True) for line in sys.stdin]")

    child.tell({"a": "é"})

    assert child.messages(wait_seconds=30) == [{"a": "é"}]
    assert child.messages() == []


def test_it_is_less_important_and_not_in_the_process_group(start):
    child = start("import sys; sys.stdin.read()", nice=5)

    assert os.getpriority(os.PRIO_PROCESS, child.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)
    assert os.getpgid(child.pid) != os.getpgid(0)
    assert os.getsid(child.pid) == os.getsid(0)


def test_it_has_its_threads_and_what_it_inherits(start, tmp_path):
    handle = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)

    child = start(
        f"import json, os; print(json.dumps([os.environ['OMP_NUM_THREADS'], os.fstat({handle}).st_size]))",
        threads=3,
        inherited=[handle],
    )

    assert all_messages(child) == [["3", 0]]
    os.close(handle)


def test_it_ends_with_its_own_last_words_or_with_the_signal_that_killed_it(start):
    child = start("raise SystemExit('the roof is on fire\\n')")
    until(lambda: not child.alive())
    assert child.end() == "the roof is on fire"

    child = start("import sys; print('loading', file=sys.stderr); sys.stdin.read()")
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: not child.alive())
    assert child.end() == "signal 9"
    assert child.end() == "signal 9"


def test_a_line_torn_by_a_kill_is_passed_over(start):
    child = start("print('{\"ready\": true}'); print('{\"result\": {\"na', end='')")

    assert all_messages(child) == [{"ready": True}]


def test_a_message_for_a_process_that_is_gone_is_no_error(start):
    child = start("")
    until(lambda: not child.alive())

    child.tell({"a": 1})
    child.finish()

    assert child.end() == "exit status 0"


def test_silence_is_measured_since_the_last_message_either_way(start):
    child = start("import sys; sys.stdin.readline(); print('{}', flush=True); sys.stdin.read()")
    child.heard_at -= 1000
    assert child.silent_seconds() > 1000

    child.tell({})
    assert child.silent_seconds() < 500
    child.heard_at -= 1000
    until(child.messages)
    assert child.silent_seconds() < 500


def test_much_on_standard_error_blocks_nothing(start):
    child = start("import sys; [print('x' * 1000, file=sys.stderr) for _ in range(1000)]; print('{\"ready\": true}')")

    assert all_messages(child) == [{"ready": True}]


CHILD = """
    import json
    from escuta.run.child import claim_standard_output, encode_line, parent_messages

    output = claim_standard_output()
    print("a library's chatter")
    told = parent_messages()
    while (message := told.get()) is not None:
        output.write(encode_line({"heard": message}))
        output.flush()
"""


def test_the_childs_side_hears_what_it_is_told_and_ends_when_asked_to_finish(start):
    child = start(CHILD)
    child.tell({"n": 1})
    child.finish()

    assert all_messages(child) == [{"heard": {"n": 1}}]
    assert child.end() == "exit status 0"


def test_a_child_ends_when_its_parent_is_gone():
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child.stdin.write(b'{"n": 1}\n')
    child.stdin.flush()
    assert child.stdout.readline() == b'{"heard": {"n": 1}}\n'

    child.stdin.close()

    assert child.wait(timeout=60) == 0
    child.stdout.close()

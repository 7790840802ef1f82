import os
import select
import signal

import pytest

from escuta.doctor.child import Outcome, run_child


def ended(pid):
    """Wait for the end of a process that was killed."""
    try:
        return bool(select.select([os.pidfd_open(pid)], [], [], 30)[0])
    except ProcessLookupError:
        return True


def run(code, timeout_seconds=60.0):
    return run_child(["-c", code], timeout_seconds)


def test_the_last_line_is_the_result():
    code = """print("some library talks"); print('{"status": "failed", "message": "no", "free_mb": 1.5}')"""

    assert run(code) == Outcome("failed", "no", {"free_mb": 1.5})


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGKILL"])
def test_a_crash_is_a_result_with_the_signals_name(name):
    number = int(getattr(signal, name))

    assert run(f"import os, signal; os.kill(os.getpid(), {number})") == Outcome("died", f"ended by signal {name}")


def test_a_real_segmentation_fault_is_a_result():
    assert run("import ctypes; ctypes.string_at(0)").message == "ended by signal SIGSEGV"


def test_a_result_followed_by_a_crash_is_a_crash():
    code = """import os; print('{"status": "passed", "message": ""}', flush=True); os.abort()"""

    assert run(code).status == "died"


def test_an_error_is_told_in_its_last_words():
    assert run("import a_library_that_is_not_there") == Outcome(
        "died", "ModuleNotFoundError: No module named 'a_library_that_is_not_there'"
    )


@pytest.mark.parametrize("said", ["", "hello", "[]", "{}", "3"])
def test_an_end_without_a_result_is_told(said):
    assert run(f"print({said!r})") == Outcome("died", "it ended without a result")


def test_a_process_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    pids = tmp_path / "pids"
    os.mkfifo(tmp_path / "never")
    code = f"""
import os
child = os.fork()
if child:
    open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{child}}")
open({str(tmp_path / "never")!r}).read()
"""

    assert run(code, timeout_seconds=3) == Outcome("hung", "no answer within 3 s")
    parent, child = map(int, pids.read_text().split())
    assert ended(parent)
    assert ended(child)


def test_a_module_beside_a_script_hides_none_of_the_library(tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit(3)")
    script = tmp_path / "script.py"
    script.write_text("""import json; print(json.dumps({"status": "passed", "message": ""}))""")

    assert run_child([str(script)]).status == "passed"

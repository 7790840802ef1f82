import os
import signal
import subprocess
import sys
import textwrap

import pytest

from escuta.training.interrupt import interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_only_asks_and_the_second_interrupts(number):
    with interruptible() as interruption:
        assert not interruption.asked
        signal.raise_signal(number)
        assert interruption.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_afterwards_signals_do_what_they_did_before():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def fail():
        with interruptible():
            assert signal.getsignal(signal.SIGINT) != before[signal.SIGINT]
            raise RuntimeError("anything")

    with pytest.raises(RuntimeError, match="anything"):
        fail()
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_process_goes_on_after_the_first_ctrl_c():
    script = textwrap.dedent("""
        import time
        from escuta.training.interrupt import interruptible

        with interruptible() as interruption:
            print("ready", flush=True)
            while not interruption.asked:
                time.sleep(0.01)
            print("asked", flush=True)
            time.sleep(600)
    """)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "asked\n"
        os.kill(process.pid, signal.SIGTERM)
        assert "KeyboardInterrupt" in process.communicate(timeout=60)[1]
    assert process.returncode == -signal.SIGINT

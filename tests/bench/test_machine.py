import os
import subprocess
import sys

from bench.machine import cpu_seconds, machine, memory, pin


def test_a_machine_is_described_without_its_name():
    described = machine(2)
    assert described["threads"] == 2
    assert described["cores"] >= 1
    assert os.uname().nodename not in described.values()


def test_memory_and_time_are_those_of_the_process():
    touched = bytearray(64 * 2**20)
    assert memory()["peak_bytes"] > memory()["private_bytes"] * 0.5 > len(touched) * 0.5
    assert cpu_seconds(os.getpid()) > 0


def test_a_pinned_process_stays_on_its_core():
    core = min(os.sched_getaffinity(0))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        pin(process.pid, core)
        assert os.sched_getaffinity(process.pid) == {core}
        process.communicate(b"\n")

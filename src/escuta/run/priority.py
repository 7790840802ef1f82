"""A process that steps back: what it reads and writes waits for others, and memory is taken from it first."""

import ctypes
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path

IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "riscv64": 30}
"""Number of the system call, which the C library has no function for."""

LOWEST_BEST_EFFORT = 2 << 13 | 7
"""Class "best effort", its last of 8 levels; linux/ioprio.h. "Idle" would never come to write beside a busy disk."""

KILLED_FIRST = 800
"""Of -1000 to 1000; proc_pid_oom_score_adj(5)."""


def step_back() -> None:
    """Let others go first at the disk, and let the kernel end this process first where memory runs out.

    Only Linux knows either; elsewhere nothing happens. Niceness is the parent's to give.
    """
    if sys.platform != "linux":
        return
    if number := IOPRIO_SET.get(platform.machine()):
        this_process = 1
        ctypes.CDLL(None).syscall(number, this_process, os.getpid(), LOWEST_BEST_EFFORT)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(KILLED_FIRST), encoding="ascii")

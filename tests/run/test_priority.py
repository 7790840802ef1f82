import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, platform
from pathlib import Path
from escuta.run.priority import IOPRIO_SET, step_back
step_back()
print(Path("/proc/self/oom_score_adj").read_text().strip())
number = IOPRIO_SET.get(platform.machine())
print(ctypes.CDLL(None).syscall(number + 1, 1, 0) if number else "unknown")  # ioprio_get
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has them")
def test_others_go_first_at_the_disk_and_it_is_killed_first():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)

    killed_first, at_the_disk = done.stdout.split()
    assert killed_first == "800"
    assert at_the_disk in {str(2 << 13 | 7), "unknown"}


def test_elsewhere_nothing_happens(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    from escuta.run.priority import step_back

    step_back()

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from contextlib import nullcontext
from pathlib import Path
import torch
from escuta.engine.allocation import holes_given_back, share_one_heap

def megabytes():
    return int(Path("/proc/self/status").read_text().partition("RssAnon:")[2].split()[0]) / 1024

share_one_heap()
with holes_given_back() if sys.argv[1] == "given back" else nullcontext():
    blocks = [torch.ones(2 << 20, dtype=torch.uint8) for _ in range(100)]
    before = megabytes()
    del blocks[::2]
print(before - megabytes())
"""


def given_back(how):
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is in memory")
def test_every_second_large_block_is_given_back_not_kept_as_a_hole():
    assert given_back("given back") > 90 > given_back("as usual")

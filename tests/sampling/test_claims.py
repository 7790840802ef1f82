import subprocess
import sys
from contextlib import contextmanager

from escuta.sampling.claims import Claims

HOLD = """
import sys
from pathlib import Path
from escuta.sampling.claims import Claims
with Claims(Path(sys.argv[1])).take("epoch_1", wait=False) as claim:
    print("held", flush=True)
    claim.note(sys.stdin.readline().strip())
"""


@contextmanager
def another_process_holding(folder):
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_sample_is_made_by_one_process(tmp_path):
    claims = Claims(tmp_path / "samples")

    with another_process_holding(tmp_path / "samples"):
        with claims.take("epoch_1", wait=False) as claim:
            assert claim is None
        with claims.take("epoch_2", wait=False) as claim:
            assert claim.outcome == ""


def test_what_another_process_noted_is_known_to_who_waited(tmp_path):
    claims = Claims(tmp_path)

    with another_process_holding(tmp_path) as process:
        process.stdin.write("failed\n")
        process.stdin.close()
        with claims.take("epoch_1", wait=True) as claim:
            assert claim.outcome == "failed"
            claim.note("spoken")
            assert claim.outcome == "spoken"


def test_a_killed_process_holds_nothing(tmp_path):
    claims = Claims(tmp_path)

    with another_process_holding(tmp_path) as process:
        process.kill()
        with claims.take("epoch_1", wait=True) as claim:
            assert claim.outcome == ""


def test_what_was_noted_before_a_process_began_says_nothing(tmp_path, monkeypatch):
    with Claims(tmp_path).take("epoch_1", wait=False) as claim:
        claim.note("failed")
    noted = (tmp_path / ".epoch_1.claim").stat().st_mtime
    monkeypatch.setattr("escuta.sampling.claims.time.time", lambda: noted + 1)

    with Claims(tmp_path).take("epoch_1", wait=False) as claim:
        assert claim.outcome == ""


def test_settled_claims_leave_nothing(tmp_path):
    claims = Claims(tmp_path)
    for name in ("epoch_1", "epoch_2"):
        with claims.take(name, wait=False):
            pass

    claims.tidy(["epoch_1", "epoch_3"])

    assert [path.name for path in tmp_path.iterdir()] == [".epoch_2.claim"]

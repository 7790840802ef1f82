import json
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from escuta.sampling.job import SampleResult, encode_line
from escuta.sampling.worker import command, read_result
from runs import make_checkpoint, make_job


@contextmanager
def worker(base, *, device="cpu", environment=None):
    process = subprocess.Popen(
        command(base, device=device, threads=1, mode="background"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    try:
        with process.stdin, process.stdout:
            yield process
    finally:
        process.kill()
        process.wait()


def hand_over(process, message):
    process.stdin.write(encode_line(message))
    process.stdin.flush()


def listen(process, kind):
    """The next message of `kind`; all lines before it are messages too."""
    for line in process.stdout:
        if kind in (message := json.loads(line)):
            return message[kind]
    pytest.fail(f"the worker ended without a message {kind}")
    return None


def test_it_is_ready_then_speaks_job_after_job_whatever_fails_and_ends_when_its_input_ends(quick_base, tmp_path):
    truncated = make_checkpoint(tmp_path / "checkpoint_epoch_1.pt", quick_base)
    truncated.write_bytes(truncated.read_bytes()[:100_000])
    with worker(quick_base) as process:
        assert listen(process, "ready") is True

        hand_over(process, make_job(tmp_path, checkpoint=truncated).to_json())
        hand_over(process, make_job(tmp_path, name="epoch_2", reference=tmp_path / "gone.wav").to_json())
        hand_over(process, make_job(tmp_path, name="epoch_3").to_json())
        failed, lost, spoken = (SampleResult.from_json(listen(process, "result")) for _ in range(3))

        assert (failed.name, failed.status) == ("epoch_1", "failed")
        assert failed.reason.startswith(f"{truncated}: ")
        assert "expected a checkpoint written by escuta" in failed.reason
        assert (lost.name, lost.status) == ("epoch_2", "failed")
        assert lost.reason.startswith(f"{tmp_path / 'gone.wav'}: cannot be opened; No such file or directory.")
        assert (spoken.name, spoken.status, spoken.mode) == ("epoch_3", "spoken", "background")
        assert (tmp_path / "samples" / "epoch_3_output.wav").exists()

        hand_over(process, make_job(tmp_path, name="epoch_4", sentences=("One.",) * 500).to_json())
        assert listen(process, "alive") is True
        process.stdin.close()
        assert process.wait(timeout=60) == 0  # in the middle of what it was saying
    assert not (tmp_path / "samples" / "epoch_4.json").exists()


def test_asked_to_finish_it_ends_after_the_jobs_it_has(quick_base, tmp_path):
    with worker(quick_base) as process:
        hand_over(process, make_job(tmp_path).to_json())
        hand_over(process, {"finish": True})

        assert SampleResult.from_json(listen(process, "result")).status == "spoken"
        assert process.wait(timeout=60) == 0


def test_what_libraries_print_does_not_break_the_protocol(quick_base, tmp_path):
    talkative = tmp_path / "site"
    talkative.mkdir()
    (talkative / "num2words.py").write_text(
        "import os, sys\nprint('hello')\nos.write(1, b'{\"result\": {}}\\n')\nsys.stdout.flush()\n"
        "num2words = lambda *args, **kwargs: 'seven'\n"
    )
    path = os.pathsep.join([str(talkative), *filter(None, sys.path)])
    with worker(quick_base, environment={"PYTHONPATH": path}) as process:
        hand_over(process, make_job(tmp_path, sentences=("There are 7.",)).to_json())

        assert SampleResult.from_json(listen(process, "result")).status == "spoken"


def test_a_base_that_cannot_be_loaded_is_fatal_and_the_cause_is_told(tmp_path):
    with worker(tmp_path / "nowhere") as process:
        assert str(tmp_path / "nowhere") in listen(process, "fatal")
        assert process.wait(timeout=60) == 2


def test_a_device_that_is_not_there_is_fatal_and_the_cause_is_told(quick_base):
    with worker(quick_base, device="cuda:99") as process:
        assert listen(process, "fatal").startswith("device cuda:99: not there, or not for this PyTorch;")
        assert process.wait(timeout=60) == 2


def test_only_a_result_is_read_as_one():
    assert read_result({"alive": True}) is None
    assert read_result({"ready": True}) is None
    result = SampleResult(name="epoch_1", epoch=1, step=4, status="spoken", mode="later")
    assert read_result({"result": result.to_json()}) == result

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from escuta.engine.faithfulness import TOLERANCE
from escuta.errors import InstallError
from escuta.models.load import load_model
from escuta.run.child import encode_line
from escuta.run.held_out import write_held_out
from escuta.sampling.job import SampleResult
from escuta.sampling.worker import command, read_result, refuse_tight
from runs import make_checkpoint, make_job, until
from sounds import speechlike


@contextmanager
def worker(base, *, device="cpu", mode="background", environment=None):
    process = subprocess.Popen(
        command(base, device=device, threads=1, mode=mode),
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


def test_too_little_memory_is_refused_before_anything_is_loaded(quick_base, monkeypatch):
    refuse_tight(quick_base, "cpu", "auto")
    monkeypatch.setattr("escuta.sampling.worker.available_bytes", lambda: 0)
    monkeypatch.setattr("escuta.sampling.worker.own_bytes", lambda: 200_000_000)

    with pytest.raises(
        InstallError, match=r"^0\.2 GB of memory are free for speaking; expected 0\.\d GB\. Close other"
    ):
        refuse_tight(quick_base, "cpu", "auto")


def job_to_check(base, folder):
    clip = load_model(base, uses=["features"]).features(torch.from_numpy(speechlike(1.0)), "Good evening.", "en")
    write_held_out(folder / "held_out.safetensors", [clip])
    return make_job(folder, held_out=folder / "held_out.safetensors")


def test_it_checks_what_it_said_when_nobody_waits(quick_base, tmp_path):
    job = job_to_check(quick_base, tmp_path)
    with worker(quick_base) as process:
        hand_over(process, job.to_json())
        listen(process, "result")

        until(lambda: json.loads((job.folder / "epoch_1.json").read_text())["precision"]["checked"] == "epoch_1")


def test_a_process_for_one_sample_checks_before_it_gives_the_result(quick_base, tmp_path):
    job = job_to_check(quick_base, tmp_path)
    for name in ("epoch_1", "epoch_2"):
        with worker(quick_base, mode="isolated") as process:
            hand_over(process, replace(job, name=name).to_json())
            hand_over(process, {"finish": True})
            listen(process, "result")

            about = job.folder / f"{name}.json"
            told = json.loads(about.read_text())
            assert told["precision"]["checked"] == name
            assert told["precision"]["difference"] <= TOLERANCE
            told["precision"]["difference"] = TOLERANCE  # so thin a margin that the next one is measured too
            about.write_text(json.dumps(told))

import json
import subprocess
import sys
from multiprocessing import Pipe
from pathlib import Path

import pytest
import torch

from escuta.audio.files import read_audio
from escuta.data.feature_cache import decode
from escuta.data.feature_worker import COMPUTED, REFUSED, FeatureJob, compute
from escuta.errors import AudioError
from escuta.models.load import load_model
from sounds import make_dataset


@pytest.fixture
def jobs(tmp_path):
    wavs = make_dataset(tmp_path / "voice", 3, seconds=(0.5, 0.7)) / "wavs"
    return [FeatureJob(path, text, "en") for path, text in zip(sorted(wavs.iterdir()), "abc", strict=True)]


def assert_features_of(job, base, content):
    model = load_model(base, uses=["features"])
    wav_T = torch.from_numpy(read_audio(job.audio, model.input_sample_rate))
    expected = model.features(wav_T, job.text, job.language)
    found = decode(content)
    assert found.keys() == expected.keys()
    assert all(found[name].dtype == tensor.dtype for name, tensor in expected.items())
    assert all(torch.allclose(found[name].float(), expected[name].float(), atol=1e-5) for name in expected)


def test_a_job_survives_the_connection():
    job = FeatureJob(Path("wavs/é.wav"), "Olá,\n“você”|x", "pt")

    assert FeatureJob.decoded(job.encoded()) == job


def test_features_are_those_of_the_model(jobs, random_base):
    contents = list(compute(random_base, jobs))

    assert len(contents) == 3
    for job, content in zip(jobs, contents, strict=True):
        assert_features_of(job, random_base, content)


def test_a_recording_that_cannot_be_read_is_named(jobs, random_base):
    jobs[1].audio.write_bytes(b"no sound")

    with pytest.raises(AudioError, match=r"audio_00002\.wav"):
        list(compute(random_base, jobs))


@pytest.fixture
def worker(random_base):
    ours, theirs = Pipe()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "escuta.data.feature_worker", str(random_base), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stderr=subprocess.PIPE,
        )
    with process, ours:
        yield process, ours
        process.kill()


def test_the_process_answers_job_by_job_and_ends_with_the_connection(worker, jobs, random_base):
    process, connection = worker
    for job in jobs[:2]:
        connection.send_bytes(job.encoded())
        answer = connection.recv_bytes()
        assert answer.startswith(COMPUTED)
        assert_features_of(job, random_base, answer[1:])

    connection.close()

    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == b""


def test_the_process_says_what_the_user_can_mend(worker, jobs):
    process, connection = worker
    jobs[0].audio.unlink()

    connection.send_bytes(jobs[0].encoded())

    answer = connection.recv_bytes()
    assert answer.startswith(REFUSED)
    (problem,) = json.loads(answer[1:])
    assert str(jobs[0].audio) in problem
    assert process.wait(timeout=60) == 0

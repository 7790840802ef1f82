import dataclasses
import json
import os

import pytest

from escuta.models.base import Generation
from escuta.models.load import load_model
from escuta.sampling.freshness import answers, is_newer, is_of_weights, read_sample, record
from escuta.sampling.speaking import Voice
from runs import make_job, make_reference, until


@pytest.fixture(scope="module")
def voice(quick_base):
    return Voice(load_model(quick_base, uses=["speaking"]), "later")


@pytest.fixture
def job(voice, tmp_path):
    """A job that has just been done."""
    job = make_job(tmp_path, sentences=("Good evening.", "Bye."), seed=7, generation=Generation(top_k=30), best=True)
    voice.speak(job)
    return job


def a_moment_after(path):
    """Wait until the file system's clock has moved on since `path` changed."""
    probe = path.with_name("probe")
    until(lambda: probe.touch() or probe.stat().st_ctime_ns > path.stat().st_ctime_ns)


def is_answered(job):
    return answers(read_sample(job), job)


def test_a_sample_answers_the_job_that_it_was_made_for(job):
    assert is_answered(job)
    assert read_sample(job).audio_seconds > 0


@pytest.mark.parametrize(
    "change",
    [
        {"sentences": ("Good evening.",)},
        {"sentences": ("Bye.", "Good evening.")},
        {"seed": 8},
        {"num_seeds": 2},
        {"language": "pt"},
        {"generation": Generation(top_k=31)},
        {"generation": Generation(top_k=30, temperature=0.1)},
        {"sample_rate": 24000},
        {"precision": "exact"},
    ],
    ids=str,
)
def test_a_sample_of_another_wish_is_no_answer(job, change):
    assert not is_answered(dataclasses.replace(job, **change))


def test_a_sample_of_more_seeds_answers_who_asks_for_fewer(voice, job):
    voice.speak(dataclasses.replace(job, num_seeds=2))

    assert is_answered(dataclasses.replace(job, num_seeds=2))
    assert is_answered(job)
    assert not is_answered(dataclasses.replace(job, seed=8))
    assert not is_answered(dataclasses.replace(job, num_seeds=3))
    (job.folder / "epoch_1_output_02_seed_8.wav").unlink()
    assert not is_answered(job)


def test_a_sample_of_the_first_versions_says_its_seed_once(job):
    content = json.loads(record(job).read_text())
    for sentence in content["sentences"]:
        del sentence["seed"]
    record(job).write_text(json.dumps(content))

    assert is_answered(job)
    assert not is_answered(dataclasses.replace(job, seed=8))


@pytest.mark.parametrize(
    "file", ["epoch_1_output.wav", "epoch_1_output_02.wav", "epoch_1_reference.wav", "best/epoch_1.json"]
)
def test_a_sample_that_lost_a_file_is_no_answer(job, file):
    (job.folder / file).unlink()

    assert not is_answered(job)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"seed": 7}', b"\xff"])
def test_a_damaged_record_tells_of_no_sample(job, content):
    record(job).write_bytes(content)

    assert read_sample(job) is None


def test_another_recording_under_the_same_name_is_no_answer(job, tmp_path):
    make_reference(tmp_path / "other.wav", seconds=3.0).replace(job.reference)

    assert not is_answered(job)


def test_the_same_recording_copied_again_is_the_same(job):
    job.reference.write_bytes(job.reference.read_bytes())

    assert is_answered(job)


def test_a_recording_that_is_gone_left_its_copy(job):
    job.reference.unlink()

    assert is_answered(job)


def test_a_sample_is_newer_than_files_that_did_not_change_since(job, tmp_path):
    (tmp_path / "weights").touch()
    assert not is_newer(job, [job.reference, tmp_path / "weights"])

    os.utime(tmp_path / "weights", (0, 0))  # as a copy would set the time
    assert not is_newer(job, [tmp_path / "weights"])

    a_moment_after(tmp_path / "weights")
    os.utime(record(job))
    assert is_newer(job, [job.reference, tmp_path / "weights"])
    assert not is_newer(job, [tmp_path / "gone"])


def test_the_same_weights_make_a_sample_as_new_as_now(job, tmp_path):
    (tmp_path / "weights").touch()
    a_moment_after(tmp_path / "weights")
    sample, weights = read_sample(job), json.loads(record(job).read_text())["weights"]

    assert not is_of_weights(sample, job, lambda: "of others")
    assert not is_newer(job, [tmp_path / "weights"])
    assert is_of_weights(sample, job, lambda: weights)
    assert is_newer(job, [tmp_path / "weights"])

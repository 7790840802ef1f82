import json
from dataclasses import replace
from pathlib import Path

import pytest

from escuta.errors import DataError
from escuta.models.base import Generation
from escuta.run.child import encode_line
from escuta.sampling.job import SampleJob, SampleResult, cause, generation_of
from escuta.settings import SamplingSettings

JOB = SampleJob(
    name="epoch_3",
    epoch=3,
    step=120,
    checkpoint=Path("run/checkpoints/checkpoint_epoch_3.pt"),
    folder=Path("run/samples"),
    best=True,
    sentences=("Olá, São Paulo.", "E agora?"),
    reference=Path("data/wavs/audio_00001.wav"),
    language="pt",
    generation=Generation(temperature=0.7, top_k=0, greedy=True),
    seed=7,
    num_seeds=3,
    sample_rate=24000,
)


@pytest.mark.parametrize("job", [JOB, replace(JOB, checkpoint=None, generation=Generation())])
def test_a_job_survives_its_line_in_the_pipe(job):
    line = encode_line(job.to_json())

    assert line.count(b"\n") == 1
    assert SampleJob.from_json(json.loads(line)) == job


def test_further_seeds_follow_the_first():
    assert list(JOB.seeds) == [7, 8, 9]
    assert list(replace(JOB, num_seeds=1).seeds) == [7]


def test_a_result_survives_its_line_in_the_pipe():
    result = SampleResult(
        name="epoch_3",
        epoch=3,
        step=120,
        status="spoken",
        mode="background",
        seconds=1.5,
        audio_seconds=3.25,
        files=("epoch_3_output.wav", "epoch_3_output_02.wav"),
        best=True,
    )

    assert SampleResult.from_json(json.loads(encode_line(result.to_json()))) == result


def test_a_job_that_was_not_spoken_has_a_result_with_the_reason():
    result = SampleResult.unspoken(JOB, mode="isolated", status="failed", reason="no\nway")

    assert result == SampleResult(
        name="epoch_3", epoch=3, step=120, status="failed", mode="isolated", best=True, reason="no\nway"
    )
    assert encode_line(result.to_json()).count(b"\n") == 1


def test_codes_are_chosen_as_the_settings_have_it():
    sampling = SamplingSettings(temperature=0.5, top_k=7, top_p=0.9, repetition_penalty=3.0)

    assert generation_of(sampling) == Generation(temperature=0.5, top_k=7, top_p=0.9, repetition_penalty=3.0)
    assert generation_of(SamplingSettings()) == Generation()


def test_a_cause_is_plain_where_the_user_can_mend_it_and_names_its_kind_where_not():
    assert cause(DataError("a: is wrong.", "b: too.")) == "a: is wrong.\nb: too."
    assert cause(FileNotFoundError(2, "No such file", "a.wav")) == "[Errno 2] No such file: 'a.wav'"
    assert cause(RuntimeError("out of memory\nsee the manual")) == "RuntimeError: out of memory"
    assert cause(MemoryError()) == "MemoryError: "

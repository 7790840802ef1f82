import types
from contextlib import nullcontext
from dataclasses import replace

import pytest

from escuta.models.load import load_model
from escuta.sampling.background import BackgroundSpeaker
from escuta.sampling.inline import InlineSpeaker
from escuta.sampling.isolated import IsolatedSpeaker
from escuta.sampling.sampler import Sampler
from runs import make_job, until


@pytest.fixture
def told():
    return []


@pytest.fixture
def sampler(workplace, quick_base, told):
    """Make samplers whose modes in `broken` do not work here; each is closed after the test."""
    made = []

    def sampler(mode, broken=()):
        place = {mode: replace(workplace, base=workplace.base / "nowhere") for mode in broken}
        model = load_model(quick_base, uses=["training", "speaking"])
        if "inline" in broken:
            model.trainable.prompt = types.MethodType(run_out_of_memory, model.trainable)
        speakers = {
            "inline": lambda: InlineSpeaker(model),
            "background": lambda: BackgroundSpeaker(place.get("background", workplace)),
            "isolated": lambda: IsolatedSpeaker(place.get("isolated", workplace), nullcontext),
        }
        made.append(Sampler(mode, speakers, lambda *change: told.append(change)))
        return made[-1]

    yield sampler
    for one in made:
        one.close()


def run_out_of_memory(*_args):
    raise RuntimeError("out of memory")


def collect(sampler):
    """All results, once nothing waits any more."""
    results = []
    until(lambda: results.extend(sampler.results()) or not sampler.waiting())
    return [*results, *sampler.results()]


@pytest.mark.parametrize("mode", ["background", "isolated", "inline"])
def test_jobs_go_in_and_samples_come_out(sampler, told, tmp_path, mode):
    speaking = sampler(mode)
    speaking.submit(make_job(tmp_path))

    results = collect(speaking)

    assert [(result.name, result.status, result.mode) for result in results] == [("epoch_1", "spoken", mode)]
    assert speaking.mode == speaking.speaker.mode == mode
    assert told == []
    speaking.close()
    assert speaking.speaker is None
    assert speaking.waiting() == speaking.results() == []


def test_a_mode_that_does_not_work_falls_back_once_and_its_jobs_are_spoken(sampler, told, tmp_path):
    speaking = sampler("background", broken=["background"])
    speaking.submit(make_job(tmp_path, name="epoch_0"))

    results = collect(speaking)
    speaking.submit(make_job(tmp_path, name="epoch_1"))
    results += collect(speaking)

    assert [(result.name, result.status, result.mode) for result in results] == [
        ("epoch_0", "spoken", "isolated"),
        ("epoch_1", "spoken", "isolated"),
    ]
    ((old, new, reason),) = told
    assert (old, new, speaking.mode) == ("background", "isolated", "isolated")
    assert "nowhere" in reason


def test_speaking_in_training_falls_back_to_a_process_beside_it(sampler, told, tmp_path):
    speaking = sampler("inline", broken=["inline"])
    speaking.submit(make_job(tmp_path))

    results = collect(speaking)

    assert [(result.status, result.mode) for result in results] == [("spoken", "background")]
    assert told == [("inline", "background", "RuntimeError: out of memory")]


def test_where_nothing_works_training_goes_on_unheard_and_every_job_says_so(sampler, told, tmp_path):
    speaking = sampler("inline", broken=["inline", "background", "isolated"])
    speaking.submit(make_job(tmp_path, name="epoch_0"))
    results = collect(speaking)
    speaking.submit(make_job(tmp_path, name="epoch_1"))
    results += collect(speaking)

    assert [(result.name, result.status, result.mode, result.reason) for result in results] == [
        ("epoch_0", "skipped", "off", "nobody speaks any more"),
        ("epoch_1", "skipped", "off", "nobody speaks any more"),
    ]
    assert [change[:2] for change in told] == [
        ("inline", "background"),
        ("background", "isolated"),
        ("isolated", "off"),
    ]
    assert (speaking.mode, speaking.speaker) == ("off", None)


def test_off_starts_nobody(sampler, told):
    speaking = sampler("off")

    assert speaking.speaker is None
    assert speaking.waiting() == speaking.results() == told == []


def test_waiting_ends_with_the_first_result_or_with_its_time(sampler, tmp_path):
    speaking = sampler("background")
    speaking.submit(make_job(tmp_path))

    speaking.wait(seconds=0.0)
    assert len(speaking.waiting()) == 1
    speaking.wait(seconds=90.0)

    assert [result.status for result in speaking.results()] == ["spoken"]
    assert speaking.results() == []

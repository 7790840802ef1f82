import math
import os

import pytest
import torch

from escuta.doctor.child import run_child
from escuta.doctor.escape import TOLERANCE, compare, prove
from escuta.errors import InstallError, WeightsError

RATE = 24000
SINE_T = torch.sin(2 * math.pi * 220 * torch.arange(RATE) / RATE)


@pytest.mark.parametrize(("family", "num_ffts"), [("random_base", 4), ("f5_base", 2)])
def test_a_step_and_a_sample_are_made_and_are_the_cpus(family, num_ffts, request):
    found = prove(request.getfixturevalue(family), "cpu")

    assert found["status"] == "passed"
    assert found["equal"]
    assert found["relative_difference"] < 1e-6  # the last bits are the threads'
    assert found["audio_seconds"] == pytest.approx(found["same_seconds"])
    assert found["audio_seconds"] > 0.1
    assert math.isfinite(found["loss"])
    assert found["ffts_on_cpu"] >= num_ffts
    assert found["ffts_off_the_cpu"] == 0


def test_small_differences_are_within_the_tolerance_and_measured():
    found = compare(SINE_T * (1 + TOLERANCE / 2), SINE_T, RATE)

    assert found["equal"]
    assert found["relative_difference"] == pytest.approx(TOLERANCE / 2, rel=1e-3)
    assert found["same_seconds"] == 1.0


def test_other_audio_from_somewhere_on_is_the_same_up_to_there():
    other_T = SINE_T.clone()
    other_T[RATE // 2 :] *= -1

    found = compare(other_T, SINE_T, RATE)

    assert not found["equal"]
    assert found["same_seconds"] == pytest.approx(0.5, abs=0.02)


def test_another_length_is_not_equal():
    assert not compare(SINE_T[: RATE // 2], SINE_T, RATE)["equal"]
    assert compare(SINE_T[:0], SINE_T, RATE) == {"relative_difference": 0.0, "equal": False, "same_seconds": 0.0}


def test_silence_is_not_divided_by():
    silence_T = torch.zeros(RATE)

    assert compare(silence_T, silence_T, RATE)["equal"]
    assert not compare(SINE_T, silence_T, RATE)["equal"]


def test_a_model_or_device_that_is_not_there_is_refused(tmp_path, random_base):
    with pytest.raises(WeightsError):
        prove(tmp_path, "cpu")
    with pytest.raises(InstallError):
        prove(random_base, "cuda:7")


def test_in_a_process_of_its_own_that_is_a_result(tmp_path):
    found = run_child(["-m", "escuta.doctor.escape", str(tmp_path), "cpu"])

    assert found.status == "failed"
    assert "has no model" in found.message


def test_a_broken_audio_library_is_a_result(tmp_path, monkeypatch, random_base):
    (tmp_path / "soundfile.py").write_text("raise OSError('sndfile library not found')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))

    found = run_child(["-m", "escuta.doctor.escape", str(random_base), "cpu"])

    assert (found.status, found.message) == ("died", "OSError: sndfile library not found")

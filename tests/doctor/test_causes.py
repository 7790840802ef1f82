import re

import pytest

from escuta.doctor.causes import causes
from escuta.doctor.child import Outcome
from escuta.doctor.gpu import Facts, Gpu

PASSED = Outcome("passed")
CUFFT = "cuFFT error: CUFFT_INTERNAL_ERROR"
SOUND = Facts(torch="2.9.1+cu128", torch_cuda=(12, 8), gpus=(Gpu("NVIDIA L4", (8, 9), 23.6),))


def here(facts, **probes):
    named = {name.replace("_", "-"): outcome for name, outcome in probes.items()}
    return "".join(cause.letter for cause in causes(facts, {"cuda:0": named}) if cause.here)


def test_there_are_six_each_with_its_remedy_and_public_threads():
    known = causes(SOUND, {})

    assert [cause.letter for cause in known] == list("ABCDEF")
    for cause in known:
        assert cause.what.endswith(".")
        assert cause.remedy.endswith(".")
        assert cause.sources
        assert all(re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", source) for source in cause.sources)


def test_none_is_at_work_where_everything_passes():
    assert here(SOUND, stft_512=PASSED, full_512=PASSED, rfft=PASSED) == ""
    assert here(Facts()) == ""


def test_a_is_read_off_versions():
    assert here(Facts(torch_cuda=(11, 7), gpus=SOUND.gpus)) == "A"


@pytest.mark.parametrize(
    ("full", "found"),
    [
        (Outcome("failed", CUFFT, {"again": "passed"}), "B"),
        (Outcome("failed", CUFFT, {"again": CUFFT}), "BC"),
        (Outcome("died", "ended by signal SIGSEGV"), "B"),
        (Outcome("hung", "no answer within 120 s"), "B"),
        (Outcome("failed", "CUDA out of memory. Tried to allocate 10.00 MiB.", {"again": "passed"}), ""),
        (Outcome("skipped", "other programs use 9.0 GB of it: it is not filled"), ""),
    ],
)
def test_b_and_c_are_read_off_a_failure_in_full_memory(full, found):
    assert here(SOUND, stft_1024=PASSED, full_1024=full) == found


def test_what_fails_in_free_memory_too_is_not_b():
    failed = Outcome("failed", CUFFT)

    assert here(SOUND, stft_1024=failed, full_1024=failed) == ""


def test_d_is_a_fault_of_another_kernel():
    assert here(SOUND, rfft=Outcome("failed", "CUDA error: device-side assert triggered")) == "D"


def test_e_is_read_off_the_libraries():
    assert here(Facts(wheels=("nvidia-cufft-cu11 10.9.0.58", "nvidia-cufft-cu12 11.3.3.83"))) == "E"


def test_f_is_read_off_the_name():
    assert here(Facts(torch_cuda=(11, 8), gpus=(Gpu("AMD Radeon RX 6800 XT [ZLUDA]", (8, 8), 16.0),))) == "F"

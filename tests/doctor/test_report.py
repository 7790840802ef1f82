import json
import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from escuta.doctor.base_files import BaseModel
from escuta.doctor.child import Outcome
from escuta.doctor.examination import Examination
from escuta.doctor.gpu import Facts, Gpu
from escuta.doctor.machine import look
from escuta.doctor.report import document, page, private, sections, works
from escuta.doctor.trials import PROBES

PASSED = Outcome("passed", found={"relative_difference": 3e-7, "free_mb": 20000.0})
CUFFT = "cuFFT error: CUFFT_INTERNAL_ERROR"
PROOF = Outcome(
    "passed",
    found={"audio_seconds": 6.7, "seconds": 0.4, "relative_difference": 0.002, "equal": True, "same_seconds": 6.7},
)
PLANS = {"lengths": 128, "plans": 129, "most_plans": 4096, "plans_mb": 70.2, "left_after_clear_mb": 0.0}


@pytest.fixture
def l4(tmp_path):
    """A machine with one GPU on which everything works."""
    facts = Facts(
        torch="2.9.1+cu128",
        torch_cuda=(12, 8),
        arch_list=("sm_86", "sm_90"),
        gpus=(Gpu("NVIDIA L4", (8, 9), 23.6),),
        nvidia_hardware=True,
        driver="570.86.10",
        driver_cuda=(12, 8),
    )
    probes = {name: PASSED for name in PROBES}
    probes |= {"plans": Outcome("passed", found=PLANS), "empty": Outcome("passed", found={"no_clips": "taken"})}
    machine = replace(look(tmp_path), disk_free_gb=100.0, memory_free_gb=32.0)
    return Examination(machine, facts, probes={"cuda:0": probes}, proofs={"cuda:0": PROOF})


def with_probes(found, **outcomes):
    changed = {name.replace("_", "-"): outcome for name, outcome in outcomes.items()}
    return replace(found, probes={device: {**probes, **changed} for device, probes in found.probes.items()})


def test_a_machine_where_all_works_is_told_on_one_page(l4):
    lines = page(l4)

    assert len(lines) < 40
    assert lines[-1] == "✅ escuta can train and speak on this machine."
    assert "  ✅ cuda:0: all three shapes work." in lines
    assert "  ✅ With nearly full memory they work too." in lines
    assert "  ℹ️  128 lengths of audio leave 70 MB of plans on the GPU (129 of up to 4096)." in lines
    assert "  ✅ cuda:0: 6.7 s of sound made in 0.4 s, no FFT on a GPU. It is the CPU's sample, but for 0.20%." in lines
    assert "  None of them is at work here; docs/doctor.md has their remedies." in lines
    assert not any("👉" in line for line in lines)


def test_failing_ffts_are_told_and_their_cause_is_marked_and_escuta_works_all_the_same(l4):
    failed = Outcome("failed", CUFFT, {"again": CUFFT, "free_mb": 3.1})
    found = with_probes(l4, full_512=failed, full_1024=failed)

    lines = page(found)

    assert works(sections(found))
    assert (
        "  ⚠️  With nearly full memory, as beside a training, 2 of three fail "
        f"({CUFFT}). See cause B. See cause C." in lines
    )
    assert [line.split()[1] for line in lines if "👉" in line] == ["B.", "C."]
    assert "       It is at work here. Smaller batches, or no FFT on the GPU: escuta's way." in lines


def test_ffts_that_always_fail_are_told(l4):
    found = with_probes(l4, rfft=Outcome("failed", CUFFT))

    assert f"  ⚠️  cuda:0: FFTs fail ({CUFFT}). coqui-tts cannot make a sample there; escuta can." in page(found)


def test_a_crash_without_words_is_told_by_its_end(l4):
    assert any("fail (hung)" in line for line in page(with_probes(l4, rfft=Outcome("hung"))))


def test_full_memory_that_was_not_tried_is_told(l4):
    found = with_probes(l4, full_512=Outcome("skipped", "other programs use 9.0 GB of it: it is not filled"))

    assert "  ℹ️  Nearly full memory was not tried: other programs use 9.0 GB of it: it is not filled." in page(found)


def test_a_sample_that_rounding_led_elsewhere_is_a_note(l4):
    differing = Outcome("passed", found={**PROOF.found, "equal": False, "same_seconds": 3.2})
    found = replace(l4, proofs={"cuda:0": differing})

    assert works(sections(found))
    assert any("It is the CPU's sample for 3.2 s; from there on rounding led elsewhere." in one for one in page(found))


def test_where_the_first_gpu_fails_escuta_does_not_work(l4):
    found = replace(l4, proofs={"cuda:0": Outcome("died", "ended by signal SIGSEGV")})

    assert not works(sections(found))
    assert (
        "  ❌ cuda:0: failed (ended by signal SIGSEGV). "
        "Until that is mended, train with --set training.device=cpu." in page(found)
    )
    assert page(found)[-1] == "❌ escuta cannot train and speak here before what is marked ❌ is mended."


def test_a_second_gpu_that_fails_is_a_warning(l4):
    assert works(sections(replace(l4, proofs={"cuda:0": PROOF, "cuda:1": Outcome("died", "out of memory")})))


def test_an_fft_that_ran_on_the_gpu_would_be_told(l4):
    offence = Outcome("failed", "", {**PROOF.found, "ffts_off_the_cpu": 2})

    assert any("failed (2 FFTs ran off the CPU)" in line for line in page(replace(l4, proofs={"cpu": offence})))


def test_without_pytorch_nothing_works_and_no_cause_is_guessed(l4):
    found = Examination(l4.machine, None, torch_problem="ImportError: libc10.so")

    assert not works(sections(found))
    assert "  ❌ PyTorch cannot be loaded: ImportError: libc10.so. Install it anew." in page(found)
    assert not any("Known causes" in line for line in page(found))


def test_a_base_that_cannot_be_used_is_why_it_does_not_work(l4):
    found = replace(l4, base=BaseModel("xtts", problems=("xtts: has no config.json.",)), proofs={})

    assert not works(sections(found))
    assert "  ❌ xtts: has no config.json." in page(found)


def test_the_document_is_json_with_everything_measured(l4):
    found = json.loads(json.dumps(document(l4)))

    assert found["works"] is True
    assert found["gpu"]["gpus"] == [{"name": "NVIDIA L4", "capability": [8, 9], "memory_gb": 23.6}]
    assert found["cufft"]["cuda:0"]["plans"] == {"status": "passed", "message": "", **PLANS}
    assert found["proof"]["cuda:0"]["relative_difference"] == 0.002
    assert [cause["letter"] for cause in found["causes"]] == list("ABCDEF")


def test_neither_home_nor_name_of_the_user_is_told(l4, tmp_path, monkeypatch):
    home, name = tmp_path / "someone", pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setenv("HOME", str(home))
    machine = replace(l4.machine, folder=str(home / "runs"))
    facts = replace(l4.facts, library_path_finds=(f"/data/{name}/cuda/libcufft.so.11", f"{home}-more/libcufft.so"))
    found = replace(l4, machine=machine, facts=facts, base=BaseModel("mine", home / "xtts"))

    told = json.dumps(document(found))

    assert f"{home}/" not in told
    assert document(found)["machine"]["folder"] == "~/runs"
    assert document(found)["base"]["folder"] == "~/xtts"
    assert document(found)["gpu"]["library_path_finds"][0] == "/data/<user>/cuda/libcufft.so.11"
    assert any("GB free in ~/runs;" in line for line in page(found))
    assert private(f"{home}-more") == f"{home}-more"
    assert private(str(Path.home())) == "~"

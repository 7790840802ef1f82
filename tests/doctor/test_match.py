from dataclasses import replace

import pytest

from escuta.doctor.gpu import Facts, Gpu
from escuta.doctor.match import cufft_lacks, judge, mixed_libraries, runs_on

CU117 = ("sm_37", "sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86")
CU126 = ("sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90")
CU128 = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")

RTX_1080 = Gpu("NVIDIA GeForce GTX 1080", (6, 1), 8.5)
RTX_3090 = Gpu("NVIDIA GeForce RTX 3090", (8, 6), 25.4)
RTX_4090 = Gpu("NVIDIA GeForce RTX 4090", (8, 9), 25.4)
H100 = Gpu("NVIDIA H100", (9, 0), 85.0)
RTX_5090 = Gpu("NVIDIA GeForce RTX 5090", (12, 0), 33.7)


def machine(torch_cuda, arch_list, *gpus, **others):
    defaults = {"driver": "570.86.10", "driver_cuda": (12, 8), "nvidia_hardware": True}
    return Facts(torch="2.9.1", torch_cuda=torch_cuda, arch_list=arch_list, gpus=gpus, **defaults | others)


def told(facts):
    return [(one.mark, one.text) for one in judge(facts)]


@pytest.mark.parametrize(
    ("arch_list", "capability", "runs"),
    [
        (CU126, (8, 9), True),  # sm_86 runs on sm_89
        (CU126, (6, 1), True),
        (CU126, (12, 0), False),
        (CU128, (12, 0), True),
        (CU128, (6, 1), False),
        (("sm_90",), (8, 9), False),
        (("sm_90a",), (9, 0), True),
        (("sm_100a",), (10, 3), False),
        (("sm_100f",), (10, 3), True),
        (("sm_50", "compute_90"), (12, 0), True),
        (("sm_50", "compute_90"), (8, 0), False),
        (("gfx1100",), (11, 0), False),
        ((), (8, 0), False),
    ],
)
def test_code_runs_on_its_own_major_version_and_what_the_driver_compiles_on_all_later(arch_list, capability, runs):
    assert runs_on(arch_list, capability) is runs


@pytest.mark.parametrize(
    ("torch_cuda", "gpu", "lacks"),
    [
        ((11, 7), RTX_4090, True),
        ((11, 6), H100, True),
        ((11, 8), RTX_4090, False),
        ((11, 7), RTX_3090, False),
        ((12, 6), RTX_4090, False),
        (None, RTX_4090, False),
    ],
)
def test_cufft_before_11_8_lacks_ada_and_newer(torch_cuda, gpu, lacks):
    assert cufft_lacks(machine(torch_cuda, CU117, gpu), gpu) is lacks


def test_a_gpu_that_fits_is_told_with_its_driver():
    assert told(machine((12, 6), CU126, RTX_4090)) == [
        ("fine", "NVIDIA GeForce RTX 4090 (sm_89, 25 GB): PyTorch 2.9.1 for CUDA 12.6 runs on it."),
        ("fine", "Driver 570.86.10, for CUDA up to 12.8."),
    ]


def test_old_cuda_on_ada_is_cause_a():
    assert told(machine((11, 7), CU117, RTX_4090))[0] == (
        "warning",
        "NVIDIA GeForce RTX 4090 (sm_89, 25 GB): every FFT on it fails with PyTorch 2.9.1 for CUDA 11.7; "
        "escuta makes none there. See cause A.",
    )


def test_cuda_before_12_8_on_blackwell_is_told_with_what_to_install():
    assert told(machine((12, 6), CU126, RTX_5090))[0] == (
        "warning",
        "NVIDIA GeForce RTX 5090 (sm_120, 34 GB): PyTorch 2.9.1 for CUDA 12.6 is older than this GPU. "
        "Install a PyTorch for CUDA 12.8 or newer.",
    )


def test_a_gpu_that_pytorch_has_given_up_is_told_with_what_to_do():
    assert told(machine((12, 8), CU128, RTX_1080))[0] == (
        "warning",
        "NVIDIA GeForce GTX 1080 (sm_61, 8 GB): PyTorch 2.9.1 for CUDA 12.8 has no code for it, only for sm_75, sm_80, "
        "sm_86, sm_90, sm_100, sm_120. Install an older PyTorch, or train on the CPU: --set training.device=cpu.",
    )


def test_a_gpu_newer_than_all_code_is_told_to_wait_for_no_one():
    newer = Gpu("NVIDIA Next", (13, 0), 40.0)

    assert told(machine((12, 8), CU128, newer))[0][1].endswith("Install a newer PyTorch.")


def test_each_gpu_has_its_line():
    assert [mark for mark, _text in told(machine((12, 8), CU128, RTX_5090, RTX_1080))] == ["fine", "warning", "fine"]


NO_GPU = machine((12, 8), CU128)


@pytest.mark.parametrize(
    ("facts", "mark", "beginning"),
    [
        (Facts(torch="2.9.1+cpu"), "note", "There is no GPU here. Training and speaking run on the CPU"),
        (
            Facts(torch="2.9.1+cpu", nvidia_hardware=True),
            "warning",
            "There is an NVIDIA GPU, but PyTorch 2.9.1+cpu is built for the CPU alone. Install one for CUDA. Training",
        ),
        (
            replace(NO_GPU, visible_devices=""),
            "warning",
            "There is an NVIDIA GPU, but CUDA_VISIBLE_DEVICES= hides it. Unset it. Training",
        ),
        (
            replace(NO_GPU, visible_devices="-1"),
            "warning",
            "There is an NVIDIA GPU, but CUDA_VISIBLE_DEVICES=-1 hides it. Unset it. Training",
        ),
        (
            replace(NO_GPU, driver_cuda=None),
            "warning",
            "There is an NVIDIA GPU, but its driver cannot be reached. Install it; a container must be given the GPU.",
        ),
        (
            replace(NO_GPU, torch_cuda=(13, 0)),
            "warning",
            "There is an NVIDIA GPU, but its driver knows CUDA up to 12.8 and PyTorch 2.9.1 is for 13.0. "
            "Update the driver, or install a PyTorch for CUDA 12. Training",
        ),
        (
            NO_GPU,
            "warning",
            "There is an NVIDIA GPU with its driver, but PyTorch 2.9.1 does not see it. Try nvidia-smi. Training",
        ),
    ],
)
def test_a_gpu_that_cannot_be_used_has_a_reason_and_a_remedy(facts, mark, beginning):
    [(found, text)] = told(facts)

    assert found == mark
    assert text.startswith(beginning)
    assert text.endswith("Training and speaking run on the CPU: that works, only slower.")


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (
            {"wheels": ("nvidia-cufft-cu11 10.9.0.58", "nvidia-cufft-cu12 11.3.3.83", "nvidia-ml-py 12.0")},
            "NVIDIA's packages for CUDA 11, 12 lie in one environment. See cause E.",
        ),
        (
            {"library_path_finds": ("/usr/local/cuda/lib64/libcufft.so.11",)},
            "LD_LIBRARY_PATH leads to other CUDA libraries: /usr/local/cuda/lib64/libcufft.so.11. See cause E.",
        ),
        (
            {"cufft_installed": ("/venv/libcufft.so.11",), "cufft_loaded": ("/usr/lib/libcufft.so.11",)},
            "cuFFT was loaded from /usr/lib/libcufft.so.11, not from PyTorch's own. See cause E.",
        ),
    ],
)
def test_mixed_libraries_are_cause_e(others, words):
    facts = machine((12, 8), CU128, RTX_5090, **others)

    assert mixed_libraries(facts)
    assert told(facts)[-1] == ("warning", words)


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"wheels": ("nvidia-cufft-cu12 11.3.3.83", "nvidia-cudnn-cu12 9.10.2.21", "nvidia-cufft 12.0.0.61")},
        {"cufft_installed": ("/venv/libcufft.so.11",), "cufft_loaded": ("/venv/libcufft.so.11",)},
        {"cufft_loaded": ("/opt/libcufft.so.11",)},  # nothing says that this PyTorch has one of its own
    ],
)
def test_libraries_of_one_origin_are_not(others):
    assert not mixed_libraries(machine((12, 8), CU128, RTX_5090, **others))

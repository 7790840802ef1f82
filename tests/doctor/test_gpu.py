import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from escuta.doctor.child import run_child
from escuta.doctor.gpu import Facts, Gpu, driver, library_path_finds, loaded, look, nvidia_hardware, version


def put(root, path, text=""):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("text", "read"), [("12.8", (12, 8)), ("12.8.1", (12, 8)), ("9", None), ("", None), (None, None), ("a.b", None)]
)
def test_a_version_is_two_numbers(text, read):
    assert version(text) == read


def test_an_nvidia_graphics_card_is_seen_on_the_bus(tmp_path):
    put(tmp_path, "sys/bus/pci/devices/0000:00:1f.0/vendor", "0x8086\n")
    put(tmp_path, "sys/bus/pci/devices/0000:00:1f.0/class", "0x030000\n")
    assert not nvidia_hardware(tmp_path)

    put(tmp_path, "sys/bus/pci/devices/0000:01:00.1/vendor", "0x10de\n")
    put(tmp_path, "sys/bus/pci/devices/0000:01:00.1/class", "0x040300\n")  # the sound of its HDMI
    assert not nvidia_hardware(tmp_path)

    put(tmp_path, "sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n")
    put(tmp_path, "sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n")
    assert nvidia_hardware(tmp_path)


@pytest.mark.parametrize("sign", ["proc/driver/nvidia/gpus/0000:01:00.0/information", "usr/lib/wsl/lib/libcuda.so.1"])
def test_a_driver_is_a_sign_of_a_card_too(tmp_path, sign):
    put(tmp_path, sign)

    assert nvidia_hardware(tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22\nGCC version: gcc 12.2.0", "550.54.14"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build", "580.65.06"),
        ("", None),
    ],
)
def test_the_drivers_version_is_read_from_the_kernel(tmp_path, text, found):
    put(tmp_path, "proc/driver/nvidia/version", text)

    assert driver(tmp_path) == found
    assert driver(tmp_path / "elsewhere") is None


def test_cuda_libraries_on_the_library_path_are_found(tmp_path):
    for name in ("a/libcufft.so.11", "a/libz.so.1", "b/libcudart.so"):
        put(tmp_path, name)

    assert library_path_finds(f"{tmp_path / 'a'}::{tmp_path / 'b'}:{tmp_path / 'c'}") == (
        str(tmp_path / "a/libcufft.so.11"),
        str(tmp_path / "b/libcudart.so"),
    )
    assert library_path_finds("") == ()


def test_the_files_of_a_library_are_found_in_a_map_of_memory():
    maps = """7f00-7f01 r--p 00000000 08:01 12 /opt/my cuda/lib/libcufft.so.11.0
7f01-7f02 r-xp 00001000 08:01 12 /opt/my cuda/lib/libcufft.so.11.0
7f02-7f03 r--p 00000000 08:01 13 /opt/cuda/lib/libcufftw.so.11
7f03-7f04 rw-p 00000000 00:00 0
"""

    assert loaded("libcufft.so", maps) == ("/opt/my cuda/lib/libcufft.so.11.0",)


def test_a_library_that_this_process_has_loaded_is_found():
    torch_libraries = loaded("libtorch_cpu.so", Path("/proc/self/maps").read_text())

    assert [Path(path).parent for path in torch_libraries] == [Path(torch.__file__).parent / "lib"]


def test_a_process_of_its_own_says_the_same_as_this_one(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")

    looked = run_child(["-m", "escuta.doctor.gpu"])

    assert looked.status == "passed"
    assert Facts.from_json(looked.found) == look()
    assert look().torch == torch.__version__
    assert look().visible_devices == os.environ["CUDA_VISIBLE_DEVICES"]


def test_facts_survive_json():
    facts = Facts(
        torch="2.9.1+cu128",
        torch_cuda=(12, 8),
        arch_list=("sm_80", "sm_90"),
        gpus=(Gpu("NVIDIA L4", (8, 9), 23.6), Gpu("NVIDIA A100", (8, 0), 85.1)),
        wheels=("nvidia-cufft-cu12 11.3.3.83",),
    )

    assert Facts.from_json(json.loads(json.dumps(asdict(facts)))) == facts


def test_a_pytorch_that_cannot_be_loaded_is_a_result(tmp_path, monkeypatch):
    put(tmp_path, "torch.py", "raise ImportError('libcudart.so.12: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))

    looked = run_child(["-m", "escuta.doctor.gpu"])

    assert (looked.status, looked.message) == ("died", "ImportError: libcudart.so.12: cannot open shared object file")

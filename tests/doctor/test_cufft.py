"""The probes of the GPU, made on the CPU: the same code, one device for another."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from escuta.audio.mel import CONDITIONING, DVAE, SPEAKER
from escuta.doctor import cufft
from escuta.doctor.child import run_child

CPU = torch.device("cpu")


def in_a_child(name, *prefix):
    command = [*prefix, sys.executable, "-P", cufft.__file__, "--device", "cpu", "--probe", name]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(finished.stdout.splitlines()[-1])


def test_the_shapes_are_those_that_the_models_are_trained_with():
    ours = {
        (spec.num_fft, spec.hop, spec.window, spec.sample_rate, spec.hamming) for spec in (SPEAKER, DVAE, CONDITIONING)
    }
    probed = {(one.num_fft, one.hop, one.window, one.sample_rate, one.hamming) for one in cufft.SHAPES}

    assert probed == ours


@pytest.mark.parametrize("name", ["rfft", "stft-512", "stft-1024", "stft-2048", "plans", "empty"])
def test_a_probe_passes_where_ffts_work(name):
    assert cufft.probe(name, CPU)["status"] == "passed"


def test_a_probe_compares_with_the_cpu():
    assert cufft.probe("stft-1024", CPU)["relative_difference"] == 0.0
    assert cufft._difference(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5])) == pytest.approx(0.2)


def test_a_device_that_is_not_there_is_a_failure_not_a_crash():
    found = run_child([cufft.__file__, "--device", "cuda:7", "--probe", "rfft"])

    assert found.status in ("failed", "died")
    assert "CUDA" in found.message


def test_memory_without_a_limit_is_not_filled():
    found = in_a_child("full-512")

    assert found == {"status": "skipped", "message": "this process may take any amount of memory: it is not filled"}


def test_with_nearly_full_memory_a_failure_is_told_and_tried_again():
    found = in_a_child("full-2048", "prlimit", f"--as={3 * 2**30}")

    assert found["status"] == "failed"
    assert "allocate" in found["message"]
    assert found["free_mb"] < 2.2
    assert found["again"] == "passed"


def test_what_an_empty_input_gets_for_an_answer_is_told():
    found = cufft.probe("empty", CPU)

    assert "got: [1, 1, 0]" in found["no_points"]
    assert found["no_clips"]


def test_it_needs_pytorch_alone():
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(Path(cufft.__file__).read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= {"torch", *sys.stdlib_module_names}

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from escuta.run.mapped import MappedTensors

NUM_TENSORS = 16
WIDTH = 1 << 20


def resident_file_bytes():
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("RssFile:")[2].split()[0])


@pytest.fixture(params=["pt", "safetensors"])
def mapped(request, tmp_path):
    """Sixteen tensors of 4 MB, as they are mapped from a file."""
    tensors = {f"t{number}": torch.full((WIDTH,), float(number)) for number in range(NUM_TENSORS)}
    path = tmp_path / f"tensors.{request.param}"
    if request.param == "pt":
        torch.save(tensors, path)
        return torch.load(path, mmap=True, weights_only=True)
    save_file(tensors, path)
    return load_file(path)


def test_they_are_those_of_the_file_each_time_they_are_asked_for(mapped):
    tensors = MappedTensors(mapped)

    for _ in range(2):
        assert all(tensors[name].eq(float(name[1:])).all() for name in tensors)
    assert len(tensors) == len(mapped)
    assert list(tensors) == list(mapped)


def test_what_is_read_is_the_readers_own(mapped):
    tensors = MappedTensors(mapped)
    tensors["t3"].zero_()

    assert tensors["t3"].eq(3).all()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is in memory")
def test_the_file_does_not_stay_in_memory(mapped):
    tensors = MappedTensors(mapped)
    before = resident_file_bytes()

    largest = 0
    for name in tensors:
        tensors[name].sum()
        largest = max(largest, resident_file_bytes() - before)

    assert largest < 2 * 4 * WIDTH  # of 64 MB


def test_tensors_that_are_of_no_file_stay_as_they_are():
    own = torch.arange(WIDTH)
    tensors = MappedTensors({"own": own})

    assert torch.equal(tensors["own"], own)
    assert torch.equal(tensors["own"], torch.arange(WIDTH))

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import asdict

import pytest
import torch

from escuta.run import staging as module
from escuta.run.staging import Staged, StagedTensors, Staging, StagingMoved, look_at

TENSORS = {
    "matrix": torch.arange(12.0).view(3, 4).T,
    "half": torch.tensor([1.5, -2.25], dtype=torch.bfloat16),
    "number": torch.tensor(7),
    "nothing": torch.empty(0, 3),
    "yes": torch.tensor([True, False]),
}


@pytest.fixture
def staging():
    staging = Staging()
    yield staging
    staging.close()


def test_what_is_put_there_is_read_by_name(staging):
    staged = staging.put(TENSORS)

    read = StagedTensors(staged)

    assert list(read) == list(TENSORS)
    assert len(read) == len(TENSORS)
    for name, tensor in TENSORS.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


def test_any_plain_content_comes_back_with_its_tensors_in_place(staging):
    state = {"state": {0: {"step": torch.tensor(3.0), "seen": [TENSORS["half"], "x"]}}, "groups": [{"lr": 1e-4}]}

    found = look_at(staging.put(state))

    assert found["groups"] == [{"lr": 1e-4}]
    assert torch.equal(found["state"][0]["step"], torch.tensor(3.0))
    assert torch.equal(found["state"][0]["seen"][0], TENSORS["half"])


def test_every_tensor_looked_at_has_a_storage_of_its_own_size(staging):
    found = look_at(staging.put({"small": torch.ones(2), "large": torch.ones(1000)}))

    assert [tensor.untyped_storage().nbytes() for tensor in found.values()] == [8, 4000]


def test_it_is_a_copy(staging):
    tensor = torch.zeros(3)
    staged = staging.put({"a": tensor})

    tensor.fill_(1)

    assert StagedTensors(staged)["a"].tolist() == [0, 0, 0]


def test_what_was_replaced_is_never_taken_for_what_was_there(staging):
    old = staging.put({"a": torch.zeros(3)})
    reading = StagedTensors(old)
    staging.put({"a": torch.ones(3)})

    with pytest.raises(StagingMoved):
        _ = reading["a"]
    with pytest.raises(StagingMoved):
        StagedTensors(old)
    with pytest.raises(StagingMoved):
        look_at(old)


def test_a_reader_waits_while_it_is_being_copied(staging, monkeypatch):
    staged = staging.put({"a": torch.ones(3)})
    staging._write_generation(-staged.generation)  # as while a GPU copies
    monkeypatch.setattr(module.time, "sleep", lambda _seconds: staging.settle())

    assert StagedTensors(staged)["a"].tolist() == [1, 1, 1]


def test_memory_grows_with_what_is_put_there_and_is_taken_once(staging):
    staging.reserve(1 << 20)
    assert os.fstat(staging.fd).st_size == 1 << 20

    staging.put({"a": torch.ones(1000)})
    assert os.fstat(staging.fd).st_size == 1 << 20

    large = torch.ones(1 << 19)
    assert torch.equal(StagedTensors(staging.put({"a": large}))["a"], large)
    assert os.fstat(staging.fd).st_size > 1 << 21


def test_another_process_that_inherits_it_reads_it(staging):
    staged = staging.put(TENSORS)
    script = textwrap.dedent("""
        import json, sys
        from escuta.run.staging import Staged, StagedTensors
        print(StagedTensors(Staged(**json.loads(sys.argv[1])))["matrix"].tolist())
    """)
    command = [sys.executable, "-c", script, json.dumps(asdict(staged))]

    said = subprocess.run(command, pass_fds=[staging.fd], stdout=subprocess.PIPE, text=True, check=True).stdout

    assert json.loads(said) == TENSORS["matrix"].tolist()


def test_where_it_lies_is_plain_numbers(staging):
    staged = staging.put(TENSORS)

    assert Staged(**json.loads(json.dumps(asdict(staged)))) == staged


def test_without_nameless_memory_a_file_without_a_name_serves(monkeypatch):
    monkeypatch.delattr(os, "memfd_create")
    staging = Staging()

    assert torch.equal(StagedTensors(staging.put(TENSORS))["matrix"], TENSORS["matrix"])
    assert os.fstat(staging.fd).st_nlink == 0
    staging.close()

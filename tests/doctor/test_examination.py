import os

import pytest

from escuta.doctor.examination import examine


def test_without_a_gpu_the_cpu_is_tried(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    seen = []

    found = examine(tmp_path, None, lambda done, total: seen.append((done, total)))

    assert found.facts is not None
    assert found.facts.gpus == ()
    assert found.probes == {}
    assert {device: proof.status for device, proof in (found.proofs or {}).items()} == {"cpu": "passed"}
    assert found.base is None
    assert seen == [(0, 1)]


def test_a_base_that_cannot_be_used_is_not_tried(tmp_path):
    found = examine(tmp_path, str(tmp_path / "xtts"), lambda _done, _total: None)

    assert found.base is not None
    assert found.base.problems
    assert found.proofs == {}


@pytest.mark.parametrize("text", ["raise ImportError('libc10.so: cannot open')", "import os; os.abort()"])
def test_a_pytorch_that_cannot_be_loaded_ends_it_there(tmp_path, monkeypatch, text):
    (tmp_path / "torch.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))

    found = examine(tmp_path, None, lambda _done, _total: None)

    assert found.facts is None
    assert found.torch_problem in ("ImportError: libc10.so: cannot open", "ended by signal SIGABRT")
    assert found.proofs is None

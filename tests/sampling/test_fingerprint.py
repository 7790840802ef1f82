import threading

import torch

from escuta.sampling.fingerprint import Witnessed, fingerprint


def test_it_is_of_names_shapes_types_and_bytes():
    tensor = torch.arange(6, dtype=torch.float32)
    first = fingerprint({"a": tensor, "b": tensor.reshape(2, 3)})

    assert first == fingerprint({"b": tensor.reshape(2, 3).clone(), "a": tensor.clone().requires_grad_()})
    assert first == fingerprint({"a": tensor, "b": tensor.reshape(2, 3).t().contiguous().t()})
    others = [
        {"a": tensor, "c": tensor.reshape(2, 3)},
        {"a": tensor, "b": tensor.reshape(3, 2)},
        {"a": tensor.view(torch.int32), "b": tensor.reshape(2, 3)},
        {"a": tensor + torch.tensor([0, 0, 0, 0, 0, 1e-6]), "b": tensor.reshape(2, 3)},
        {"a": tensor},
    ]
    assert len({first, *map(fingerprint, others)}) == 6


def test_reading_is_enough_and_what_nobody_read_counts_too():
    tensors = {name: torch.full((3,), number) for number, name in enumerate("abc")}
    witnessed = Witnessed(tensors)

    assert [witnessed[name] is tensors[name] for name in "cac"] == [True] * 3

    assert witnessed.fingerprint() == witnessed.fingerprint() == fingerprint(tensors)
    assert list(witnessed) == list(tensors)
    assert len(witnessed) == 3


def test_each_tensor_is_read_once():
    read = []

    class File(dict):
        def __getitem__(self, name):
            read.append(name)
            return super().__getitem__(name)

    witnessed = Witnessed(File(a=torch.ones(1), b=torch.ones(2)))
    witnessed["b"]
    witnessed.fingerprint()

    assert read == ["b", "a"]


def test_it_leaves_no_thread_behind():
    before = threading.active_count()
    for _ in range(5):
        fingerprint({"a": torch.ones(1)})

    assert threading.active_count() == before

import pytest
import torch

from escuta.models.precision import precision_for


@pytest.mark.parametrize(
    ("asked", "device", "precision"),
    [("auto", "cpu", "int8"), ("auto", "cuda", "bf16"), ("auto", "mps", "exact"), ("exact", "cpu", "exact")],
)
def test_auto_is_the_best_for_the_device(asked, device, precision):
    assert precision_for(asked, device) == precision


@pytest.mark.parametrize(("amx", "precision"), [(True, "bf16"), (False, "int8")])
def test_f5_takes_bf16_where_the_processor_multiplies_tiles_of_it(amx, precision, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": amx})

    assert precision_for("auto", "cpu", "f5") == precision
    assert precision_for("auto", "cpu", "xtts") == "int8"
    assert precision_for("int8", "cpu", "f5") == "int8"

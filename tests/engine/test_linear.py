import warnings

import pytest
import torch
from torch.nn import functional

from escuta.engine import linear
from escuta.engine.linear import KERNELS, Kernel, choose_kernel
from tiny_xtts import drawn

ERRORS = {"exact": 1e-6, "bf16": 0.01, "int8": 0.03}
EVERY_KERNEL = [
    pytest.param(precision, kernel, id=f"{precision} {kernel.name}")
    for precision, kernels in KERNELS.items()
    for kernel in kernels
]


def packed(kernel, weight_OI, bias_O):
    try:
        return kernel.pack(weight_OI, bias_O)
    except (RuntimeError, NotImplementedError, AttributeError):
        pytest.skip("this machine lacks it")


def relative_error(found, expected):
    return float((found.double() - expected.double()).norm() / expected.double().norm())


@pytest.mark.parametrize("shape", [(1, 32), (3, 32), (2, 5, 32)])
@pytest.mark.parametrize(("precision", "kernel"), EVERY_KERNEL)
def test_every_kernel_multiplies(precision, kernel, shape):
    weight_OI, bias_O, x = drawn(64, 32), drawn(64, seed=1), drawn(*shape, seed=2)
    found = packed(kernel, weight_OI, bias_O)(x.to(kernel.activations or x.dtype))
    expected = functional.linear(x, weight_OI, bias_O)
    assert found.shape == expected.shape
    assert found.dtype == (kernel.activations or x.dtype)
    assert relative_error(found, expected) <= ERRORS[precision]


@pytest.mark.parametrize(("precision", "kernel"), EVERY_KERNEL)
def test_a_loud_row_does_not_drown_the_others(precision, kernel):
    weight_OI, bias_O, quiet = drawn(64, 32), torch.zeros(64), drawn(1, 32, seed=2).to(kernel.activations)
    found = packed(kernel, weight_OI, bias_O)(torch.cat([1000 * quiet.flip(1), quiet, torch.zeros_like(quiet)]))
    assert relative_error(found[1], functional.linear(quiet.float(), weight_OI)[0]) <= ERRORS[precision]
    assert not found[2].any()


@pytest.mark.parametrize(("precision", "kernel"), EVERY_KERNEL)
def test_a_row_of_small_weights_keeps_its_steps(precision, kernel):
    weight_OI = drawn(64, 32) * torch.logspace(-4, 4, 64)[:, None]
    x = drawn(2, 32, seed=2)
    found = packed(kernel, weight_OI, torch.zeros(64))(x.to(kernel.activations or x.dtype))
    for out in range(64):
        assert relative_error(found[:, out], x @ weight_OI[out]) <= 2 * ERRORS[precision]


@pytest.mark.parametrize("kernel", [*KERNELS["bf16"], *KERNELS["int8"]], ids=lambda kernel: kernel.name)
def test_packed_weights_are_their_own(kernel):
    weight_OI, bias_O, x = drawn(64, 32), drawn(64, seed=1), drawn(1, 32, seed=2).to(kernel.activations)
    layer = packed(kernel, weight_OI, bias_O)
    before = layer(x)
    weight_OI.zero_()
    bias_O.zero_()
    assert torch.equal(layer(x), before)


def test_exact_weights_are_looked_at():
    weight_OI = drawn(64, 32)
    layer = choose_kernel("exact", weight_OI).pack(weight_OI, torch.zeros(64))
    weight_OI.zero_()
    assert not layer(drawn(1, 32)).any()


@pytest.mark.parametrize("precision", ["exact", "bf16", "int8"])
def test_a_kernel_of_each_precision_is_found_without_a_warning(precision):
    linear._fastest.cache_clear()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        kernel = choose_kernel(precision, drawn(64, 32))
    assert kernel in KERNELS[precision]
    assert not heard


def _refusing(_weight_OI, _bias_O):
    raise RuntimeError("not on this machine")


def _wrong(_weight_OI, _bias_O):
    return lambda x: x.new_full((*x.shape[:-1], 64), torch.nan)


def test_a_kernel_that_does_not_work_is_passed_over(monkeypatch):
    linear._fastest.cache_clear()
    working = KERNELS["exact"][0]
    kernels = (Kernel("refusing", None, _refusing), Kernel("wrong", None, _wrong), working)
    monkeypatch.setitem(KERNELS, "int8", kernels)
    assert choose_kernel("int8", drawn(64, 32)) is working
    linear._fastest.cache_clear()
    monkeypatch.setitem(KERNELS, "int8", kernels[:2])
    with pytest.raises(RuntimeError, match="no int8 kernel works on cpu"):
        choose_kernel("int8", drawn(64, 32))
    linear._fastest.cache_clear()


@pytest.mark.parametrize(("seconds", "chosen"), [((3.0, 2.5), "first"), ((3.0, 1.5), "second"), ((1.0, 3.0), "first")])
def test_a_kernel_listed_later_must_be_clearly_faster(monkeypatch, seconds, chosen):
    kernels = tuple(Kernel(name, None, KERNELS["exact"][0].pack) for name in ("first", "second"))
    monkeypatch.setitem(KERNELS, "int8", kernels)
    times = dict(zip(kernels, seconds, strict=True))
    monkeypatch.setattr(linear, "_seconds", lambda kernel, _weight_OI, _num_rows: times[kernel])
    linear._fastest.cache_clear()
    assert choose_kernel("int8", drawn(1024, 1024)).name == chosen
    assert choose_kernel("int8", drawn(64, 32)).name == "first"  # where times say nothing
    linear._fastest.cache_clear()

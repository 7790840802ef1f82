import math

import pytest

from escuta.engine.faithfulness import Faithfulness, pack_faithfully


def told(asked, **losses):
    """Pack a "model" that is its own loss."""
    return pack_faithfully(asked, lambda precision: losses[precision], lambda loss: loss)


def test_the_precision_asked_for_is_taken_within_the_tolerance():
    assert told("int8", int8=2.009, exact=2.0) == (2.009, Faithfulness("int8", "int8", pytest.approx(0.0045)))
    assert told("bf16", bf16=1.991, exact=2.0) == (1.991, Faithfulness("bf16", "bf16", pytest.approx(0.0045)))


def test_beyond_the_tolerance_the_next_one_is_taken_and_the_reason_kept():
    packed, faithfulness = told("int8", int8=2.02, bf16=2.002, exact=2.0)
    assert packed == 2.002
    assert faithfulness == Faithfulness("int8", "bf16", pytest.approx(0.001), (("int8", pytest.approx(0.01)),))


@pytest.mark.parametrize("wrong", [1.9, math.inf, math.nan])
def test_the_exact_weights_always_remain(wrong):
    packed, faithfulness = told("int8", int8=wrong, bf16=wrong, exact=2.0)
    assert packed == 2.0
    assert (faithfulness.used, faithfulness.difference) == ("exact", 0.0)
    assert [precision for precision, _difference in faithfulness.refused] == ["int8", "bf16"]


def test_exact_weights_need_no_measurement():
    packed, faithfulness = pack_faithfully("exact", lambda precision: precision, lambda _packed: math.nan)
    assert packed == "exact"
    assert faithfulness == Faithfulness("exact", "exact", 0.0)

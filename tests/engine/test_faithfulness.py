import json
import math

import pytest

from escuta.engine.faithfulness import TOLERANCE, TRUSTED_SAMPLES, Trust


def test_a_precision_within_the_tolerance_stays():
    trust = Trust("auto", "int8")

    assert trust.judge("epoch_0", TOLERANCE)
    assert (trust.used, trust.difference, trust.checked, trust.refused) == ("int8", TOLERANCE, "epoch_0", {})


def test_beyond_the_tolerance_the_next_one_is_used_and_is_to_be_measured_itself():
    trust = Trust("int8", "int8")

    assert not trust.judge("epoch_0", 0.013)
    assert (trust.used, trust.difference, trust.checked) == ("bf16", None, None)
    assert trust.due()
    assert trust.judge("epoch_0", 0.001)
    assert trust.to_json() == {
        "asked": "int8",
        "used": "bf16",
        "difference": 0.001,
        "checked": "epoch_0",
        "refused": {"int8": 0.013},
    }


@pytest.mark.parametrize("wrong", [math.inf, math.nan, 1.0])
def test_the_exact_weights_always_remain_and_need_no_measuring(wrong):
    trust = Trust("int8", "int8")

    assert not trust.judge("epoch_0", wrong)
    assert not trust.judge("epoch_0", wrong)
    assert (trust.used, trust.difference) == ("exact", 0.0)
    assert not trust.due()
    json.dumps(trust.to_json(), allow_nan=False)


def test_it_is_measured_first_then_every_few_samples():
    trust = Trust("auto", "int8", samples_since=1)
    assert trust.due()
    trust.judge("epoch_0", TOLERANCE / 2)
    due = []
    for _ in range(TRUSTED_SAMPLES):
        trust.samples_since += 1
        due.append(trust.due())

    assert due == [False] * (TRUSTED_SAMPLES - 1) + [True]


def test_a_thin_margin_is_measured_each_time():
    trust = Trust("auto", "int8")
    trust.judge("epoch_0", TOLERANCE * 0.6)
    trust.samples_since += 1

    assert trust.due()

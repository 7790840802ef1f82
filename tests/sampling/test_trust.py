import json
import os

import pytest

from escuta.engine.faithfulness import Trust
from escuta.sampling.trust import recall

REFUSED = {"asked": "auto", "used": "bf16", "difference": 0.001, "checked": "epoch_0", "refused": {"int8": 0.02}}


@pytest.fixture
def tell(tmp_path):
    """Write a sample's JSON, each newer than the one before."""
    count = 0

    def tell(name, precision, device="cpu"):
        nonlocal count
        count += 1
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"name": name, "device": device, "precision": precision}))
        os.utime(path, ns=(count, count))

    return tell


def test_what_was_refused_stays_refused_and_samples_since_are_counted(tell, tmp_path):
    tell("epoch_0", REFUSED)
    tell("epoch_1", REFUSED)
    tell("epoch_2", REFUSED)

    assert recall(tmp_path, "auto", "cpu") == Trust("auto", "bf16", 0.001, "epoch_0", {"int8": 0.02}, samples_since=2)


def test_the_newest_counts(tell, tmp_path):
    tell("epoch_0", {**REFUSED, "used": "int8", "refused": {}})
    tell("epoch_1", REFUSED)

    assert recall(tmp_path, "auto", "cpu").used == "bf16"


@pytest.mark.parametrize("precision", ["fp32", {"asked": "int8"}, {**REFUSED, "used": "int2"}, None])
def test_what_it_does_not_understand_tells_nothing(tell, tmp_path, precision):
    tell("epoch_0", precision)
    (tmp_path / "epoch_1.json").write_text("{")
    (tmp_path / "epoch_2.json").write_text("[]")

    assert recall(tmp_path, "auto", "cpu") == Trust("auto", "int8")


def test_another_precision_asked_for_or_another_device_begins_anew(tell, tmp_path):
    tell("epoch_0", REFUSED)

    assert recall(tmp_path, "int8", "cpu") == Trust("int8", "int8")
    assert recall(tmp_path, "auto", "cuda") == Trust("auto", "bf16")
    assert recall(tmp_path / "nowhere", "exact", "cpu") == Trust("exact", "exact")

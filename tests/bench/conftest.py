"""One small model for all benchmarks' tests, and figures that nobody measured."""

from copy import deepcopy

import pytest
from bench.models import Models

from escuta.models.xtts.newborn import newborn_config


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Models:
    models = Models(tmp_path_factory.mktemp("models"), codes=20)
    models.build(newborn_config(num_text_tokens=0))
    return models


def runs(*seconds, peak=1):
    return [{"seconds": one, "peak_bytes": peak} for one in seconds]


def block(steps, seconds):
    return {"step_seconds": [seconds / steps] * steps, "seconds": seconds, "duty": 0.9}


MACHINE = {
    "date": "2026-01-31",
    "cpu": "Some CPU",
    "cores": 2,
    "threads": 2,
    "memory_gb": 16,
    "gpu": None,
    "load_average": 0.25,
    "torch": "2.13.0",
    "peer_torch": "2.13.1",
    "coqui-tts": "0.28.0",
}
SECTIONS = {
    "warm": {"escuta": runs(2.0, 2.5, 2.0), "coqui": runs(12.0, 12.5, 30.0, peak=9)},
    "batch": {"escuta": {"1": runs(2.0), "8": runs(10.0, 12.0, 8.0)}, "coqui": runs(90.0)},
    "lengths": {"escuta": {"3": runs(1.0, 1.5, 1.0)}, "coqui": {"3": runs(7.0)}},
    "checkpoint": {"escuta": runs(3.0, 3.0, 4.0, peak=4), "coqui": runs(42.0, 36.0, 40.0, peak=8)},
    "breakdown": {
        "seconds": [
            dict(zip(("read", "pack", "condition", "decode", "vocode", "rest"), range(1, 7), strict=True)),
        ],
    },
    "bound": {
        "step_seconds": [[0.012, 0.5], [0.010, 0.012]],
        "read_bytes_per_second": [{"sum": 5e10, "dot product": 6e10}, {"sum": 4e10, "dot product": 5e10}],
        "bytes_per_code": 360_000_000,
        "precision": "int8",
        "kernel": "fbgemm",
        "loss_difference": 0.00012,
    },
    "stall": {
        "weights": {"copy_seconds": [0.1] * 3, "put_seconds": [0.1] * 19 + [0.12] * 2},
        "optimizer": {"copy_seconds": [0.2], "put_seconds": [0.25]},
    },
    "throughput": {
        "pairs": [
            {"speaking": block(9, 10.0), "silent": block(10, 10.0)},
            {"speaking": block(10, 10.0), "silent": block(10, 10.0)},
            {"speaking": block(8, 10.0), "silent": block(10, 10.0)},
        ]
    },
}


@pytest.fixture
def sections():
    """What all sections but the one of a GPU measured."""
    return {name: {"machine": dict(MACHINE), **deepcopy(section)} for name, section in SECTIONS.items()}

import json
from pathlib import Path

import pytest

from escuta.report.records import read_facts, read_sample

SAID = {"file": "epoch_1_output.wav", "text": "Hello.", "audio_seconds": 1.25, "stop": "ended"}
SAMPLE = {"step": 7, "weights": "3fa2", "reference": "epoch_1_reference.wav", "sentences": [SAID], "scores": {}}


def test_a_sample_is_read_whether_it_tells_its_seeds_or_not(tmp_path: Path) -> None:
    path = tmp_path / "epoch_1.json"
    path.write_text(json.dumps({**SAMPLE, "sentences": [SAID, {**SAID, "seed": 3}]}))
    sample = read_sample(path)
    assert sample is not None
    assert [(said.audio_seconds, said.seed) for said in sample.sentences] == [(1.25, 0), (1.25, 3)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        json.dumps({**SAMPLE, "sentences": [{**SAID, "audio_seconds": "long"}]}).encode(),
    ],
)
def test_a_damaged_record_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "epoch_1.json"
    path.write_bytes(content)
    assert read_sample(path) is None
    assert read_facts(path) is None


def test_a_missing_record_is_none(tmp_path: Path) -> None:
    assert read_sample(tmp_path / "epoch_1.json") is None
    assert read_facts(tmp_path) is None


def test_a_record_is_read_again_when_its_file_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "epoch_1.json"
    for step in (7, 1234):
        path.write_text(json.dumps({**SAMPLE, "step": step}))
        sample = read_sample(path)
        assert sample is not None
        assert sample.step == step
    path.unlink()
    assert read_sample(path) is None

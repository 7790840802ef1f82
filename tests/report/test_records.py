import json
from pathlib import Path

import pytest

from escuta.report.records import read_facts, read_sample

SAID = {"file": "epoch_1_output.wav", "text": "Hello.", "audio_seconds": 1.25, "stop": "ended"}
SAMPLE = {"step": 7, "weights": "3fa2", "reference": "epoch_1_reference.wav", "sentences": [SAID], "scores": {}}


def test_a_sample_is_read_and_its_sentences_are_found_by_text(tmp_path: Path) -> None:
    path = tmp_path / "epoch_1.json"
    path.write_text(json.dumps(SAMPLE))
    sample = read_sample(path)
    assert sample.said("Hello.").audio_seconds == 1.25
    assert sample.said("Goodbye.") is None


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

import os
from contextlib import nullcontext

import pytest

from escuta.models.load import load_model
from escuta.sampling.speakers import make_speakers, speaking_threads
from escuta.settings import SamplingSettings


def test_every_mode_but_off_has_its_speaker(quick_base):
    model = load_model(quick_base, uses=["training", "speaking"])

    speakers = make_speakers(SamplingSettings(), quick_base, model, nullcontext)

    assert set(speakers) == {"background", "isolated", "inline"}
    for mode, make in speakers.items():
        speaker = make()
        assert (speaker.mode, speaker.device, speaker.waiting()) == (mode, "cpu", [])
        speaker.close()


@pytest.mark.parametrize(("cores", "threads"), [(None, 1), (1, 1), (2, 1), (8, 4)])
def test_speaking_takes_half_of_the_cores(monkeypatch, cores, threads):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)

    assert speaking_threads(SamplingSettings()) == threads
    assert speaking_threads(SamplingSettings(threads=3)) == 3

import pytest
import soundfile
from bench.f5 import Bench, prepare

from escuta.models.base import Learning
from escuta.models.f5.files import find_files
from escuta.models.load import trained_bytes
from sounds import speechlike


@pytest.fixture
def bench(f5_base, tmp_path):
    soundfile.write(tmp_path / "voice.wav", speechlike(5.0, 24_000), 24_000)
    return Bench(f5_base, tmp_path / "voice.wav", tmp_path, threads=1, rounds=1, speech_seconds=2.0)


def test_our_half_speaks_as_long_as_is_asked_for(bench):
    with bench.ours("speaking") as ours:
        answers = [bench.speak(ours, count, steps=1) for count in (1, 2)]

    assert [len(answer["frames"]) for answer in answers] == [1, 2]
    assert all(answer["seconds"] > 0 and answer["peak_bytes"] > 1e8 for answer in answers)


def test_our_half_learns_a_step_a_line(bench):
    with bench.ours("training") as ours:
        first, second = ours.step(), ours.step()

    assert first["loss"] != second["loss"] > 0


def test_the_model_has_the_sizes_of_the_release_but_for_its_layers(tmp_path):
    base, voice = prepare(tmp_path, layers=1)

    assert trained_bytes(base, Learning()) > 4e7
    assert find_files(base, speaking=True).vocab.read_text(encoding="utf-8").count("\n") == 2545
    assert soundfile.info(voice).samplerate == 24_000

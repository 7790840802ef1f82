import pytest

from escuta.scoring.clips import Take
from escuta.scoring.profile import MAX_CLIPS_FOR_RATE, profile_of
from escuta.scoring.recording import Recording
from escuta.scoring.voice import similarity


def test_a_voice_has_a_rate_and_a_place(takes, instruments):
    heard = []
    profile = profile_of(takes[5:11], "en", instruments.voice_encoder, progress=lambda: heard.append(1))

    assert 8 < profile.rate.mean < 20
    assert profile.voice_D.norm().item() == pytest.approx(1)
    other = instruments.voice_encoder.embed(Recording.read(takes[40].audio).at_16k_T)
    assert similarity(profile.voice_D, other) > 0.9
    assert len(heard) == 6


def test_without_clips_the_reference_stands_for_the_voice(takes, instruments):
    profile = profile_of([], "en", instruments.voice_encoder, reference=takes[40].audio)

    assert profile.rate is None
    own = instruments.voice_encoder.embed(Recording.read(takes[40].audio).at_16k_T)
    assert similarity(profile.voice_D, own) == pytest.approx(1)


def test_files_that_cannot_be_read_are_passed_over(takes, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"torn")
    broken = [Take(tmp_path / "a.wav", "Torn."), Take(tmp_path / "gone.wav", "Gone.")]

    assert profile_of([*broken, *takes[5:9]], "en", None) == profile_of(takes[5:9], "en", None)
    assert profile_of(broken, "en", None, reference=tmp_path / "gone.wav").voice_D is None


def test_of_many_clips_some_are_enough(takes):
    heard = []
    profile_of(takes[:1] * 100, "en", None, progress=lambda: heard.append(1))

    assert len(heard) == MAX_CLIPS_FOR_RATE

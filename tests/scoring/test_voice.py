import numpy as np
import pytest

from escuta.scoring.recording import Recording
from escuta.scoring.voice import similarity
from sounds import noise, silence, speechlike


@pytest.fixture(scope="module")
def encoder(instruments):
    return instruments.voice_encoder


@pytest.fixture(scope="module")
def clips(takes):
    return [Recording.read(take.audio).at_16k_T for take in takes[10:60:10]]


def test_a_person_is_like_herself_and_unlike_a_machine(encoder, clips):
    voices = [encoder.embed(wav_T) for wav_T in clips]
    machine = encoder.embed(speechlike(5, 16_000))

    own = [similarity(voices[0], other) for other in voices[1:]]
    assert min(own) > 0.85
    assert max(similarity(voice, machine) for voice in voices) < 0.7


def test_the_same_recording_is_wholly_like_itself(encoder, clips):
    voice_D = encoder.embed(clips[0])

    assert voice_D.norm().item() == pytest.approx(1)
    assert similarity(voice_D, voice_D) == pytest.approx(1)


def test_neither_level_nor_pauses_change_a_voice(encoder, clips):
    voice_D = encoder.embed(clips[0])

    assert similarity(voice_D, encoder.embed(clips[0] * 0.25)) > 0.999
    padded_T = np.concatenate([silence(1, 16_000), clips[0], silence(2, 16_000)])
    assert similarity(voice_D, encoder.embed(padded_T)) > 0.97


def test_a_higher_voice_is_less_like_it(encoder, clips):
    higher_T = np.interp(np.arange(0, len(clips[0]), 1.35), np.arange(len(clips[0])), clips[0]).astype(np.float32)

    assert similarity(encoder.embed(clips[0]), encoder.embed(higher_T)) < 0.8


@pytest.mark.parametrize("wav_T", [silence(2, 16_000), noise(0.3, 16_000)])
def test_where_nobody_speaks_there_is_no_voice(encoder, wav_T):
    assert encoder.embed(wav_T) is None

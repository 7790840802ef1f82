import pytest
import torch

from escuta.audio.mel import conditioning_mel
from escuta.models.xtts.reference import heard, speaker
from escuta.models.xtts.speaker_encoder import SpeakerEncoder
from sounds import speechlike
from tiny_xtts import TINY, tiny

CHUNK = TINY.conditioning_chunk_seconds


@pytest.fixture(scope="module")
def encoder():
    return tiny(SpeakerEncoder)


def listened(seconds, encoder):
    return heard(torch.from_numpy(speechlike(seconds, TINY.sample_rate)), TINY, torch.ones(80), encoder)


def test_a_recording_is_heard_in_chunks_each_as_if_alone(encoder):
    wav_T = torch.from_numpy(speechlike(CHUNK + 1.5, TINY.sample_rate))

    found = heard(wav_T, TINY, torch.ones(80), encoder)

    assert len(found["mels"]) == len(found["mel_lengths"]) == 2
    for mel_FM, length, chunk_T in zip(
        found["mels"], found["mel_lengths"], wav_T.split(CHUNK * TINY.sample_rate), strict=True
    ):
        assert torch.equal(mel_FM[:, :length], conditioning_mel(chunk_T[None], torch.ones(80))[0])


def test_a_rest_too_short_to_hear_anything_in_is_left_out(encoder):
    assert len(listened(CHUNK + 0.25, encoder)["mels"]) == 1
    assert len(listened(CHUNK + 0.5, encoder)["mels"]) == 2


def test_whose_voice_it_is_is_heard_up_to_a_limit(encoder):
    rate, limit = TINY.sample_rate, TINY.speaker_reference_seconds
    wav_T = torch.from_numpy(speechlike(limit + 3.0, rate))

    whole_E = speaker(wav_T, TINY, encoder)

    assert whole_E.shape == (TINY.speaker_encoder.embedding_width,)
    assert not whole_E.requires_grad
    assert torch.equal(whole_E, speaker(wav_T[: limit * rate], TINY, encoder))
    assert not torch.equal(whole_E, speaker(wav_T[: 3 * rate], TINY, encoder))
    assert torch.equal(whole_E, heard(wav_T, TINY, torch.ones(80), encoder)["speaker"])

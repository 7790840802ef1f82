import torch

from escuta.models.xtts.speaker_encoder import SpeakerEncoder, computed_buffers
from tiny_xtts import drawn, tiny


def test_an_embedding_has_length_one_whatever_the_length_of_the_recording():
    encoder = tiny(SpeakerEncoder)
    for num_frames in (30, 101):
        embedding_BE = encoder(drawn(2, 64, num_frames))
        assert embedding_BE.shape == (2, 12)
        torch.testing.assert_close(embedding_BE.norm(dim=1), torch.ones(2))


def test_loudness_is_no_part_of_a_voice():
    encoder, log_mel_BFM = tiny(SpeakerEncoder), drawn(1, 64, 50)
    torch.testing.assert_close(encoder(log_mel_BFM + 3), encoder(log_mel_BFM), rtol=1e-4, atol=1e-4)


def test_different_recordings_have_different_embeddings():
    encoder = tiny(SpeakerEncoder)
    assert not torch.allclose(encoder(drawn(1, 64, 50)), encoder(drawn(1, 64, 50, seed=1)), atol=1e-3)


def test_the_computed_buffers_are_under_the_names_of_a_release():
    assert list(computed_buffers()) == [
        "torch_spec.0.filter",
        "torch_spec.1.spectrogram.window",
        "torch_spec.1.mel_scale.fb",
    ]

import torch

from escuta.models.xtts.dvae import Dvae
from tiny_xtts import TINY, drawn, tiny


def test_four_frames_make_a_code_and_a_rest_makes_one_more():
    dvae = tiny(Dvae)
    assert dvae.codes(drawn(2, 80, 8)).shape == (2, 2)
    assert dvae.codes(drawn(2, 80, 9)).shape == (2, 3)


def test_a_code_is_the_nearest_vector_of_the_codebook():
    dvae, mel_BFM = tiny(Dvae), drawn(1, 80, 40)
    vectors_KD = dvae.encoder(mel_BFM)[0].T
    distances_KV = torch.cdist(vectors_KD, dvae.codebook.embed.T)
    codes_BK = dvae.codes(mel_BFM)
    assert codes_BK[0].tolist() == distances_KV.argmin(1).tolist()
    assert len(codes_BK.unique()) > 1
    assert codes_BK.max() < TINY.dvae.num_codes

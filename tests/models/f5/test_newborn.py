import torch

from escuta.models.f5.newborn import make_newborn
from escuta.models.f5.weights import fingerprint, load_weights


def test_a_seed_makes_the_same_model_and_leaves_the_random_state_alone(tmp_path):
    state = torch.get_rng_state()
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        make_newborn(tmp_path / name, seed)

    assert torch.equal(torch.get_rng_state(), state)
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "again") != fingerprint(tmp_path / "other")


def test_it_has_every_part(f5_base):
    weights = load_weights(f5_base)

    assert weights.part("dit")
    assert weights.part("vocos")


def test_it_is_made_anew_where_there_is_one(tmp_path):
    make_newborn(tmp_path, 0)
    make_newborn(tmp_path, 0)

    assert load_weights(tmp_path).tensors

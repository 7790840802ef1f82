import torch
from bench.seeded import seeded_tensor


def test_a_tensor_follows_from_its_name_shape_and_seed_alone():
    weight = seeded_tensor("gpt.text_head.weight", [4, 3], 0)
    assert torch.equal(weight, seeded_tensor("gpt.text_head.weight", [4, 3], 0))
    assert not torch.equal(weight, seeded_tensor("gpt.text_head.weight", [4, 3], 1))
    assert not torch.equal(weight, seeded_tensor("gpt.mel_head.weight", [4, 3], 0))
    assert weight.dtype == torch.float32


def test_counters_are_zero_and_variances_positive():
    assert seeded_tensor("bn1.num_batches_tracked", [], 0).equal(torch.tensor(0))
    assert (seeded_tensor("bn1.running_var", [50], 0) >= 1).all()
    assert (seeded_tensor("mel_stats", [80], 0) <= -4).all()

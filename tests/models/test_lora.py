import pytest
import torch
from torch import nn

from escuta.errors import CheckpointError
from escuta.models.lora import Adapters
from escuta.models.xtts.transformer import InOutLinear


def two_layers():
    torch.manual_seed(0)
    return nn.Sequential(InOutLinear(6, 5), nn.ReLU(), InOutLinear(5, 4))


def learned(module, rank=2, alpha=4.0):
    """Adapters that have something to add."""
    adapters = Adapters(module, ["0", "2"], rank, alpha)
    with torch.no_grad():
        for tensor in adapters.tensors().values():
            tensor.normal_()
    return adapters


def test_at_first_nothing_changes():
    module, x = two_layers(), torch.randn(3, 6)
    before = module(x)

    Adapters(module, ["0", "2"], rank=2, alpha=4.0)

    torch.testing.assert_close(module(x), before, rtol=0, atol=0)


def test_adapters_alone_learn():
    module = two_layers()
    Adapters(module, ["0"], rank=2, alpha=4.0)

    learning = {name for name, parameter in module.named_parameters() if parameter.requires_grad}

    assert learning == {"0.adapter.down_RI", "0.adapter.up_OR"}


def test_merged_matrices_do_what_both_did():
    module, x = two_layers(), torch.randn(3, 6)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    adapters = learned(module)
    expected, merged = module(x), adapters.merged(module.state_dict())

    plain = two_layers()
    plain.load_state_dict(merged)

    assert merged.keys() == before.keys()
    torch.testing.assert_close(plain(x), expected)
    assert not torch.allclose(merged["0.weight"], before["0.weight"])
    assert all(torch.equal(module.state_dict()[name], tensor) for name, tensor in before.items())


def test_what_was_learned_can_be_loaded():
    module, x = two_layers(), torch.randn(3, 6)
    tensors = {name: tensor.clone() for name, tensor in learned(module).tensors().items()}
    other = two_layers()

    Adapters(other, ["0", "2"], rank=2, alpha=4.0).load(tensors, "checkpoint")

    torch.testing.assert_close(other(x), module(x), rtol=0, atol=0)


@pytest.mark.parametrize(("rank", "found"), [(3, "rank 3"), (None, "rank 0")])
def test_another_rank_is_refused(rank, found):
    tensors = learned(two_layers(), rank).tensors() if rank else {}

    with pytest.raises(CheckpointError, match=rf"^checkpoint: holds LoRA of {found}; expected rank 2"):
        Adapters(two_layers(), ["0", "2"], rank=2, alpha=4.0).load(tensors, "checkpoint")

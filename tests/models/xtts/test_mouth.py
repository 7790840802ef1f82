import pytest
import torch

from escuta.engine.linear import computes_bf16
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.mouth import Mouth
from tiny_xtts import TINY, drawn, tiny

CPU = torch.device("cpu")


@pytest.fixture
def base():
    return tiny(WaveformDecoder).state_dict()


@pytest.fixture
def tuned(base):
    return {name: 1.3 * tensor for name, tensor in base.items()}


def said(mouth, precision="exact"):
    decoder = mouth.decoder(precision, CPU)
    dtype = decoder.conv_pre.weight.dtype
    with torch.no_grad():
        return decoder(drawn(1, 5, 32).to(dtype), drawn(1, 12).to(dtype)).float()


def never():
    raise AssertionError("the base is read for nothing")


def test_it_speaks_as_the_decoder_that_it_is_of_and_leaves_that_alone(base):
    before = {name: tensor.clone() for name, tensor in base.items()}
    heard_BT = said(Mouth(TINY, base))

    torch.testing.assert_close(heard_BT, tiny(WaveformDecoder)(drawn(1, 5, 32), drawn(1, 12)))
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.items())


@pytest.mark.parametrize("precision", ["exact", "int8"])
def test_it_changes_to_a_checkpoints_own_and_back(base, tuned, precision):
    mouth = Mouth(TINY, base)
    first_BT = said(mouth, precision)

    mouth.change(None, never)
    assert torch.equal(said(mouth, precision), first_BT)
    mouth.change(tuned, never)
    assert torch.equal(said(mouth, precision), said(Mouth(TINY, tuned), precision))
    assert not torch.equal(said(mouth, precision), first_BT)
    mouth.change(None, lambda: base)
    assert torch.equal(said(mouth, precision), first_BT)
    mouth.change(None, never)


def test_it_is_packed_once_and_only_where_the_language_model_is(base):
    mouth = Mouth(TINY, base)
    exact = mouth.decoder("exact", CPU)

    assert mouth.decoder("exact", CPU) is exact
    assert mouth.decoder("int8", CPU) is mouth.decoder("bf16", CPU)
    assert (mouth.decoder("int8", CPU) is not exact) == computes_bf16(CPU)

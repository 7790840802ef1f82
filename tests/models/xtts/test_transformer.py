import torch

from escuta.models.xtts.transformer import InOutLinear, Transformer
from tiny_xtts import drawn, tiny


def transformer(config):
    return Transformer(config.gpt)


def test_a_position_sees_none_after_it():
    x_BSD = drawn(1, 6, 32)
    model = tiny(transformer)
    before_BSD = model(x_BSD)
    x_BSD[:, 4:] += 1
    after_BSD = model(x_BSD)
    torch.testing.assert_close(after_BSD[:, :4], before_BSD[:, :4])
    assert not torch.allclose(after_BSD[:, 4:], before_BSD[:, 4:])


def test_a_masked_position_is_not_seen():
    x_BSD = drawn(1, 6, 32)
    mask_B1SS = torch.ones(1, 1, 6, 6, dtype=torch.bool).tril()
    mask_B1SS[..., 2] = False
    model = tiny(transformer)
    before_BSD = model(x_BSD, mask_B1SS)
    x_BSD[:, 2] += 1
    torch.testing.assert_close(model(x_BSD, mask_B1SS)[:, 3:], before_BSD[:, 3:])


def test_dropout_is_for_training_alone():
    x_BSD = drawn(1, 6, 32)
    model = tiny(transformer)
    torch.testing.assert_close(model(x_BSD), model(x_BSD), rtol=0, atol=0)
    model.train()
    assert not torch.equal(model(x_BSD), model(x_BSD))


def test_weights_lie_in_out():
    layer = InOutLinear(3, 5)
    assert layer.weight.shape == (3, 5)
    torch.testing.assert_close(layer(torch.eye(3)), layer.weight + layer.bias)

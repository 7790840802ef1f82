import torch
from torch.nn import functional

from escuta.models.xtts.transformer import InOutLinear, Transformer, _learning_attention
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


def test_what_is_computed_twice_gives_the_same_gradients():
    gradients = []
    for recomputes in (False, True):
        model = tiny(transformer).train()
        model.recomputes = recomputes
        torch.manual_seed(0)
        model(drawn(2, 6, 32)).square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])

    assert all(torch.equal(kept, again) for kept, again in zip(*gradients, strict=True))


def test_attention_that_drops_nothing_is_what_validation_has():
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 4, 7, 8)

    found = _learning_attention(query, key, value, 1e-9)

    torch.testing.assert_close(found, functional.scaled_dot_product_attention(query, key, value, is_causal=True))


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

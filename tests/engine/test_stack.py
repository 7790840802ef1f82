import pytest
import torch
from torch import nn

from escuta.engine.linear import choose_kernel
from escuta.engine.stack import Block, Norm, Stack
from tiny_xtts import drawn

WIDTH, HEADS, LAYERS = 16, 2, 3


def norm(seed):
    return Norm(1 + 0.1 * drawn(WIDTH, seed=seed), 0.1 * drawn(WIDTH, seed=seed + 1), 1e-5)


def linear(num_in, num_out, seed):
    weight_OI = drawn(num_out, num_in, seed=seed) / num_in**0.5
    return choose_kernel("exact", weight_OI).pack(weight_OI, 0.1 * drawn(num_out, seed=seed + 1))


def block(seed):
    return Block(
        norm(seed),
        linear(WIDTH, 3 * WIDTH, seed + 2),
        linear(WIDTH, WIDTH, seed + 4),
        norm(seed + 6),
        linear(WIDTH, 4 * WIDTH, seed + 8),
        linear(4 * WIDTH, WIDTH, seed + 10),
    )


STACK = Stack([block(100 * layer) for layer in range(LAYERS)], [norm(90), norm(92)], HEADS)


def stepped(prompts, x_KBD):
    cache = STACK.new_cache([len(prompt_SD) for prompt_SD in prompts], len(x_KBD))
    return [STACK.prefill(prompts, cache), *(STACK.step(x_BD, cache) for x_BD in x_KBD)]


def test_step_by_step_is_all_at_once():
    x_SD = drawn(7, WIDTH)
    steps = stepped([x_SD[:4]], x_SD[4:, None])
    torch.testing.assert_close(torch.cat(steps), STACK.read(x_SD)[3:])


def test_a_batch_of_unequal_prompts_is_each_alone():
    sequences = [drawn(length + 3, WIDTH, seed=length) for length in (1, 5, 3)]
    steps = stepped([one[:-3] for one in sequences], torch.stack([one[-3:] for one in sequences], dim=1))
    for row, x_SD in enumerate(sequences):
        torch.testing.assert_close(torch.stack([step[row] for step in steps]), STACK.read(x_SD)[-4:])


def test_rows_that_stay_go_on_as_they_were():
    sequences = [drawn(length + 2, WIDTH, seed=length) for length in (2, 5, 3)]
    cache = STACK.new_cache([2, 5, 3], 2)
    STACK.prefill([one[:-2] for one in sequences], cache)
    STACK.step(torch.stack([one[-2] for one in sequences]), cache)
    cache.keep([0, 2])
    last_BD = STACK.step(torch.stack([sequences[0][-1], sequences[2][-1]]), cache)
    torch.testing.assert_close(last_BD, torch.stack([STACK.read(sequences[row])[-1] for row in (0, 2)]))


def test_what_lay_in_memory_before_is_not_heard(monkeypatch):
    empty = torch.Tensor.new_empty
    monkeypatch.setattr(torch.Tensor, "new_empty", lambda *args: empty(*args).fill_(torch.nan))
    steps = stepped([drawn(1, WIDTH), drawn(4, WIDTH)], drawn(2, 2, WIDTH))
    assert torch.stack(steps).isfinite().all()


def test_it_is_gpt2():
    one = Stack([block(0)], [norm(90)], HEADS)
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0, norm_first=True, batch_first=True)
    layer.activation = lambda x: nn.functional.gelu(x, approximate="tanh")
    pairs = [(layer.norm1, 0), (layer.norm2, 6)]
    with torch.no_grad():
        for module, seed in pairs:
            module.weight[:], module.bias[:] = 1 + 0.1 * drawn(WIDTH, seed=seed), 0.1 * drawn(WIDTH, seed=seed + 1)
        for weight, bias, seed in [
            (layer.self_attn.in_proj_weight, layer.self_attn.in_proj_bias, 2),
            (layer.self_attn.out_proj.weight, layer.self_attn.out_proj.bias, 4),
            (layer.linear1.weight, layer.linear1.bias, 8),
            (layer.linear2.weight, layer.linear2.bias, 10),
        ]:
            weight[:] = drawn(*weight.shape, seed=seed) / weight.shape[1] ** 0.5
            bias[:] = 0.1 * drawn(*bias.shape, seed=seed + 1)
        x_SD = drawn(5, WIDTH)
        expected = layer(x_SD[None], nn.Transformer.generate_square_subsequent_mask(5), is_causal=True)[0]
    torch.testing.assert_close(one.read(x_SD), norm(90)(expected))


def test_a_full_cache_refuses_a_step():
    cache = STACK.new_cache([2], 0)
    with pytest.raises(ValueError, match="3 positions do not fit a cache of 2"):
        STACK.step(drawn(1, WIDTH), cache)

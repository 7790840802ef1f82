"""A cache of fixed shapes gives what a growing one gives; the capture itself needs a GPU."""

import pytest
import torch

from escuta.engine import fixed_cache, stack
from escuta.engine.cache import GrowingCache
from escuta.engine.decoding import Rules, Start, decode
from escuta.engine.fixed_cache import ALIGNMENT, FixedCache, captured
from escuta.engine.tokens import TokenChoice
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.packed import PackedGpt
from tiny_xtts import drawn, tiny

WIDTH = 32
NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def cache(lengths, num_new=2, dtype=torch.float32):
    return FixedCache(2, lengths, num_new, (1, 3), like=torch.zeros(1, dtype=dtype))


def looking(x_BD, cache):
    """A step that writes what it reads, and gives the sum of all it is shown."""
    for layer_2BHSW in cache.layers:
        cache.write(layer_2BHSW, x_BD.expand(2, 1, 1, *x_BD.shape).permute(0, 3, 1, 2, 4))
    shown_BHS = cache.layers[0][0, ..., 0] * (cache.mask_B11S[:, :, 0] == 0)
    return shown_BHS.sum(-1).expand_as(x_BD)


def test_a_step_sees_the_prompt_the_positions_since_and_itself():
    of_two = cache([1, 3])
    for layer_2BHSW in of_two.layers:
        layer_2BHSW[:] = 1000  # all that is hidden
    of_two.prompt(0)[0][:] = 10
    of_two.prompt(1)[0][:] = 20
    x_BD = torch.tensor([[1.0] * 3, [2.0] * 3])
    assert of_two.advance(looking, x_BD)[:, 0].tolist() == [11, 62]
    assert of_two.advance(looking, 2 * x_BD)[:, 0].tolist() == [13, 66]


def test_rows_that_stay_are_given_and_keep_their_place_in_memory():
    of_three = cache([2, 1, 2])
    addresses = [layer.data_ptr() for layer in of_three.layers]
    for row in range(3):
        of_three.prompt(row)[0][:] = 10 * (row + 1)
    of_three.keep([0, 2])
    of_three.keep([1])
    assert len(of_three) == 1
    assert of_three.advance(looking, torch.full((1, 3), 5.0))[:, 0].tolist() == [65]
    assert [layer.data_ptr() for layer in of_three.layers] == addresses


def test_what_is_given_stays_as_it_is():
    of_one = cache([1])
    shared = torch.zeros(1, 3)
    first = of_one.advance(lambda x_BD, _cache: shared.copy_(x_BD), torch.ones(1, 3))
    of_one.advance(lambda x_BD, _cache: shared.copy_(x_BD), torch.full((1, 3), 2.0))
    assert first.tolist() == [[1, 1, 1]]


def test_positions_are_aligned_and_the_limit_is_what_was_asked_for():
    full = cache([2], num_new=1, dtype=torch.bfloat16)
    assert full.layers[0].shape[3] == full.mask_B11S.shape[3] == ALIGNMENT
    full.advance(looking, torch.zeros(1, 3, dtype=torch.bfloat16))
    with pytest.raises(ValueError, match="4 positions do not fit a cache of 3"):
        full.advance(looking, torch.zeros(1, 3, dtype=torch.bfloat16))


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_GPU)])
@pytest.mark.parametrize("precision", ["exact", "bf16"])
def test_decoding_gives_the_tokens_and_hidden_states_of_a_growing_cache(monkeypatch, device, precision):
    gpt = tiny(Gpt).requires_grad_(False).to(device)
    packed = PackedGpt(gpt, precision)
    dtype = packed.stack.norms[0].gain_D.dtype
    made = []

    def decoded(kind):
        def make(*arguments):
            made.append(kind(*arguments))
            return made[-1]

        for name in ("GrowingCache", "FixedCache"):
            monkeypatch.setattr(stack, name, make)
        choice = TokenChoice(temperature=0.8, top_k=20, repetition_penalty=2.0)
        starts = [
            Start(
                drawn(length, WIDTH, seed=length).to(device, dtype),
                Rules(choice, stop_token=stop, limit=limit),
                torch.Generator().manual_seed(length),
            )
            for length, stop, limit in ((3, -1, 12), (7, -1, 4), (5, -1, 9), (5, -1, 9))
        ]
        return decode(packed, starts)

    growing, fixed = decoded(GrowingCache), decoded(FixedCache)
    assert [type(cache) for cache in made] == [GrowingCache, FixedCache]
    assert [len(one.tokens_K) for one in fixed] == [12, 4, 9, 9]
    for ours, theirs in zip(fixed, growing, strict=True):
        assert ours.tokens_K.tolist() == theirs.tokens_K.tolist()
        tolerance = {} if precision == "exact" else {"atol": 0.05, "rtol": 0.05}
        torch.testing.assert_close(ours.hidden_KD, theirs.hidden_KD, **tolerance)


def test_where_a_capture_fails_it_says_why_and_goes_on(monkeypatch):
    def failing(_run, _device):
        raise RuntimeError("operation not permitted\nwhen stream is capturing")

    of_one = cache([1])
    of_one._may_capture = True
    monkeypatch.setattr(fixed_cache, "captured", failing)
    of_one.prompt(0)[0][:] = 10
    with pytest.warns(UserWarning, match=r"cpu: decoding cannot be captured .* \(operation not permitted\)"):
        assert of_one.advance(looking, torch.ones(1, 3))[:, 0].tolist() == [11]
    assert of_one.advance(looking, torch.ones(1, 3))[:, 0].tolist() == [12]


@NEEDS_GPU
def test_a_captured_computation_is_done_again_at_the_same_addresses():
    x = torch.ones(3, device="cuda")
    replay = captured(lambda: 2 * x, x.device)
    x.fill_(4)
    assert replay().tolist() == [8, 8, 8]

import pytest
import torch

from escuta.models.f5.batch import collate
from escuta.models.f5.dit import Dit, rotation, turned
from escuta.models.f5.loss import num_targets
from escuta.models.f5.newborn import newborn_config

CONFIG = newborn_config(20).dit


def clip(num_frames, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {"text": torch.arange(5), "mel": torch.randn(num_frames, 100, generator=generator)}


def dit():
    torch.manual_seed(0)
    return Dit(CONFIG).eval()


def test_a_batch_gives_a_loss_that_moves_every_weight():
    made = dit()
    loss = made(collate([clip(40), clip(30, seed=1)], None))["loss"]
    loss.backward()

    assert loss.dtype == torch.float32
    assert [name for name, one in made.named_parameters() if one.grad is None or not one.grad.isfinite().all()] == []


def test_losses_of_parts_add_up_to_that_of_the_whole():
    made, clips = dit(), [clip(40), clip(40, seed=1)]
    whole = collate(clips, None)
    parts = [collate([one], None) for one in clips]
    total = sum(num_targets(part) for part in parts)
    with torch.no_grad():
        apart = sum(made({**part, "num_targets": total})["loss"] for part in parts)

        torch.testing.assert_close(apart, made(whole)["loss"])


def test_activations_computed_twice_give_the_same_gradients():
    batch, gradients = collate([clip(40)], None), []
    for recomputes in (False, True):
        made = dit().train()
        made.recomputes = recomputes
        torch.manual_seed(1)
        made(batch)["loss"].backward()
        gradients.append(made.proj_out.weight.grad)

    torch.testing.assert_close(*gradients)


def test_what_is_past_an_items_end_does_not_enter():
    made, generator = dit().requires_grad_(False), torch.Generator().manual_seed(3)
    mel_BMF = torch.randn(1, 20, 100, generator=generator)
    inside_BM = torch.arange(20)[None] < 15
    text_BMT = torch.zeros(1, 20, CONFIG.text_width)
    place = made.input_embed.conv_pos_embed

    x_BMD = torch.randn(1, 20, CONFIG.width, generator=generator)
    changed_BMD = x_BMD.clone()
    changed_BMD[:, 15:] = 7
    assert torch.equal(place(x_BMD, inside_BM), place(changed_BMD, inside_BM))
    assert made.flow(mel_BMF, mel_BMF, text_BMT, torch.tensor([0.5]), inside_BM).shape == mel_BMF.shape


def test_turned_pairs_depend_on_how_far_apart_frames_are():
    turns = rotation(10, torch.device("cpu"))
    x = torch.randn(64, generator=torch.Generator().manual_seed(0)).expand(1, 10, 2, 64)
    all_M2W = turned(x, turns, None)[0]
    products = all_M2W[:, 0] @ all_M2W[:, 0].T

    torch.testing.assert_close(products[2, 5], products[4, 7], rtol=1e-4, atol=1e-3)
    assert not torch.allclose(products[2, 5], products[2, 6])


def test_only_the_heads_asked_for_are_turned():
    x = torch.randn(1, 10, 2, 64, generator=torch.Generator().manual_seed(0))
    one = turned(x, rotation(10, x.device), 1)

    assert torch.equal(one[..., 1, :], x[..., 1, :])
    assert torch.equal(one[..., 0, :], turned(x, rotation(10, x.device), None)[..., 0, :])


@pytest.mark.parametrize("name", ["transformer_blocks.0.attn.to_out.0.weight", "transformer_blocks.2.ff.ff.2.bias"])
def test_names_are_the_releases(name):
    assert name in dit().state_dict()

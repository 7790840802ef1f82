import pytest
import torch

from escuta.errors import CheckpointError
from escuta.models.xtts.batch import collate
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.packed import PackedGpt
from escuta.models.xtts.streamed import GptTensors, mel_loss
from escuta.models.xtts.weights import shapes_of
from tiny_xtts import TINY, drawn, tiny

CPU = torch.device("cpu")
SHAPES = shapes_of(TINY, ["gpt"])


@pytest.fixture
def gpt():
    return tiny(Gpt).requires_grad_(False)


@pytest.fixture
def released(gpt):
    return {f"gpt.{name}": tensor for name, tensor in gpt.state_dict().items()}


def test_names_are_the_modules_and_halves_become_whole_numbers(gpt, released):
    halves = {name: tensor.half() for name, tensor in released.items()}
    tensors = GptTensors(halves, SHAPES, "here", CPU)

    assert set(tensors) == set(gpt.state_dict())
    assert len(tensors) == len(released)
    assert tensors["mel_head.bias"].dtype == torch.float32


def test_a_tensor_of_another_shape_is_told_when_it_is_read_with_all_others(released):
    released["gpt.mel_head.bias"] = torch.ones(1)
    released["gpt.final_norm.bias"] = torch.ones(2)
    tensors = GptTensors(released, SHAPES, "checkpoint_epoch_1.pt", CPU)

    assert tensors["mel_head.weight"].shape == SHAPES["gpt.mel_head.weight"]
    with pytest.raises(CheckpointError, match=r"^checkpoint_epoch_1\.pt: 2 tensors differ .* gpt\.final_norm\.bias"):
        tensors["mel_head.bias"]


def test_other_names_are_refused_before_anything_is_read(released):
    del released["gpt.mel_head.bias"]

    with pytest.raises(CheckpointError, match=r"1 tensors differ .* gpt\.mel_head\.bias"):
        GptTensors(released, SHAPES, "here", CPU)


def test_a_layer_at_a_time_gives_the_exact_loss(gpt, released):
    clips = [
        {"text": torch.arange(4, 9 + number), "codes": torch.arange(12 - number), "mel": drawn(80, 40, seed=number)}
        for number in range(3)
    ]
    batch = collate(clips, None, TINY)
    voices_BLD = gpt.conditioning_of_each(batch["conditioning_mel"], batch["conditioning_lengths"])
    kept, signs = [], []

    class Reading(dict):
        def __getitem__(self, name):
            kept.append(name)
            return super().__getitem__(name)

    found = mel_loss(
        gpt, GptTensors(Reading(released), SHAPES, "here", CPU), batch, voices_BLD, lambda: signs.append(1)
    )

    torch.testing.assert_close(found, PackedGpt(gpt).mel_loss(batch, voices_BLD))
    assert len(kept) == len(set(kept))
    assert len(signs) == TINY.gpt.layers

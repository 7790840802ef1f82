import pytest
import torch

from escuta.errors import CheckpointError
from escuta.models.released import ReleasedTensors
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.weights import shapes_of
from tiny_xtts import TINY, tiny

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
    tensors = ReleasedTensors(halves, SHAPES, "here", CPU, "gpt.")

    assert set(tensors) == set(gpt.state_dict())
    assert len(tensors) == len(released)
    assert tensors["mel_head.bias"].dtype == torch.float32


def test_a_tensor_of_another_shape_is_told_when_it_is_read_with_all_others(released):
    released["gpt.mel_head.bias"] = torch.ones(1)
    released["gpt.final_norm.bias"] = torch.ones(2)
    tensors = ReleasedTensors(released, SHAPES, "checkpoint_epoch_1.pt", CPU, "gpt.")

    assert tensors["mel_head.weight"].shape == SHAPES["gpt.mel_head.weight"]
    with pytest.raises(CheckpointError, match=r"^checkpoint_epoch_1\.pt: 2 tensors differ .* gpt\.final_norm\.bias"):
        tensors["mel_head.bias"]


def test_other_names_are_refused_before_anything_is_read(released):
    del released["gpt.mel_head.bias"]

    with pytest.raises(CheckpointError, match=r"1 tensors differ .* gpt\.mel_head\.bias"):
        ReleasedTensors(released, SHAPES, "here", CPU, "gpt.")


def test_a_checkpoint_of_another_family_is_named(released):
    f5 = {"transformer.transformer_blocks.0.attn.to_q.weight": torch.ones(1)}

    with pytest.raises(CheckpointError, match=r"^there: is of an F5-TTS; expected one of an XTTS-v2\."):
        ReleasedTensors(f5, SHAPES, "there", CPU, "gpt.")

import pytest
import torch

from escuta.models.released import ReleasedTensors
from escuta.models.xtts.batch import collate
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.packed import PackedGpt
from escuta.models.xtts.streamed import mel_loss
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
        gpt, ReleasedTensors(Reading(released), SHAPES, "here", CPU, "gpt."), batch, voices_BLD, lambda: signs.append(1)
    )

    torch.testing.assert_close(found, PackedGpt(gpt).mel_loss(batch, voices_BLD))
    assert len(kept) == len(set(kept))
    assert len(signs) == TINY.gpt.layers

import pytest
import torch

from escuta.errors import WeightsError
from escuta.models.base import Learning
from escuta.models.f5.batch import collate
from escuta.models.f5.footprint import batch_bytes, speaking_bytes, trained_bytes
from escuta.models.f5.model import load_f5

CLIP_SECONDS = 4.0


def kept_bytes(model, batch):
    """What the way back of a batch keeps, without the weights."""
    weights = {tensor.untyped_storage().data_ptr() for tensor in model.trainable.state_dict().values()}
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model.trainable(batch)["loss"]
    assert loss.requires_grad
    return sum(size for place, size in kept.items() if place not in weights)


def test_trained_bytes_are_those_of_the_network(f5_base):
    model = load_f5(f5_base, uses=["training"], device="cpu")

    assert trained_bytes(f5_base, Learning()) == sum(one.nbytes for one in model.trained_tensors().values())


@pytest.mark.parametrize("recomputes", [False, True])
def test_a_batch_keeps_about_what_is_told(f5_base, recomputes):
    model = load_f5(f5_base, uses=["training"], device="cpu")
    learning = Learning(recomputes=recomputes)
    model.learn(learning)
    model.trainable.train()
    clip = {"text": torch.arange(40), "mel": torch.zeros(round(CLIP_SECONDS * 24000 / 256), 100)}
    told = batch_bytes(f5_base, 2, CLIP_SECONDS, 4, learning)

    # Input, text and convolutions count for much in so small a model, and for little in the release's.
    assert 0.4 < kept_bytes(model, collate([clip, clip], None)) / told < 2.5


def test_speaking_takes_less_with_smaller_weights(f5_base):
    told = [speaking_bytes(f5_base, precision) for precision in ("int8", "bf16", "exact")]

    assert told == sorted(told)
    assert len(set(told)) == 3


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(WeightsError):
        speaking_bytes(tmp_path, "int8")

import pytest
import torch

from escuta.models.load import load_model
from escuta.models.xtts.activations import activation_bytes
from escuta.models.xtts.config import XttsConfig
from escuta.run.checkpoints import Progress
from escuta.settings import TrainingSettings
from escuta.training.footprint import Counts, footprint
from escuta.training.learner import Learner
from sounds import speechlike

RELEASE = Counts(weights=441_018_563, matrices=431_500_000, learning=441_018_563)
WAYS = [
    {"precision": "fp32"},
    {"precision": "bf16"},
    {"precision": "bf16", "optimizer": "adamw"},
    {"precision": "fp32", "lora_rank": 4},
    {"precision": "bf16", "lora_rank": 4},
]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_told_is_what_is_there(random_base, way):
    model = load_model(random_base, uses=["features", "training"])
    settings = TrainingSettings(device="cpu", **way)
    learner = Learner(model, settings, seed=0)
    learner.step([model.collate([model.features(torch.from_numpy(speechlike(1.0)), "Good evening.", "en")], None)])
    copies = learner._copies.of if learner._copies else {}
    counts = Counts(
        weights=sum(tensor.numel() for tensor in model.trained_tensors().values()),
        matrices=sum(weight.numel() for weight in copies),
        learning=sum(one.numel() for one in model.trainable.parameters() if one.requires_grad),
    )

    told = footprint(counts, settings, learner.precision, 0)

    states = learner.checkpoint(Progress(), val_loss=None, base_fingerprint="").optimizer["state"].values()
    tensors = [*model.trainable.parameters(), *copies.values()]
    assert told.weights == pytest.approx(sum(one.nbytes for one in tensors), rel=0.01)
    assert told.moments == pytest.approx(sum(s["exp_avg"].nbytes + s["exp_avg_sq"].nbytes for s in states), rel=0.01)


def release(way):
    settings = TrainingSettings(**way)
    half = settings.precision == "bf16"
    kept = activation_bytes(
        XttsConfig(),
        2,
        7.0,
        number_bytes=2 if half else 4,
        recomputes=settings.activation_checkpointing,
        learns_voice=not settings.lora_rank,
    )
    counts = Counts(RELEASE.weights, RELEASE.matrices, 7_900_000) if settings.lora_rank else RELEASE
    return footprint(counts, settings, settings.precision, kept).bytes


def test_the_release_fits_where_it_should():
    full, half, eight_bits, lora = (
        release(way)
        for way in (
            {"precision": "fp32"},
            {"precision": "bf16"},
            {"precision": "bf16", "optimizer": "adamw8bit"},
            {"precision": "bf16", "lora_rank": 16},
        )
    )

    assert lora < eight_bits < half < 10e9
    assert full < 10e9
    assert lora < 6e9

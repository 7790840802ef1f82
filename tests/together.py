"""What two processes do together, for tests; run by torchrun with the folder of a model and what to do."""

import os
import sys
from pathlib import Path

import torch
from torch import distributed

from escuta.errors import DataError, EscutaError
from escuta.models.load import load_model
from escuta.settings import TrainingSettings
from escuta.training.learner import Learner, uses_for
from escuta.training.ranks import Ranks, join_ranks

WAYS = {
    "fp32": {"precision": "fp32"},
    "bf16": {"precision": "bf16"},
    "lora": {"precision": "fp32", "lora_rank": 4},
    "sound": {"precision": "fp32", "decoder_learning_rate": 1e-3},
}


def learn(base: Path, ranks: Ranks, batches: list[dict[str, torch.Tensor]], way: str) -> dict[str, torch.Tensor]:
    """Take two steps without dropout in one of `WAYS`; return the weights."""
    settings = TrainingSettings(device="cpu", learning_rate=1e-3, **WAYS[way])
    model = load_model(base, uses=uses_for(settings))
    for module in model.trainable.modules():
        for name in ("p", "dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    learner = Learner(model, settings, 0, ranks=ranks)
    for _step in range(2):
        learner.step(batches)
    return dict(model.trained_tensors())


def main() -> None:
    base, out, what = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    ranks = join_ranks("cpu")
    if what == "learn":
        batches = torch.load(out / "batches.pt")
        learned = {way: learn(base, ranks, [batches[ranks.number]], way) for way in WAYS}
        torch.save(learned, out / f"weights_{ranks.number}.pt")
    else:
        said = ranks.from_first(f"said by {ranks.number}")
        order: list[int] = []
        ranks.first_first(lambda: (out / "order").open("a").write(str(ranks.number)))
        order += ranks.all(ranks.number)
        most = ranks.most(10 * ranks.number)

        def fail() -> None:
            problems = ["common"] + ["own"] * ranks.number
            raise DataError(*problems)

        try:
            ranks.together(fail)
        except EscutaError as error:
            problems = error.problems
        (out / f"told_{ranks.number}").write_text(repr((said, order, most, problems)))
    ranks.leave()
    assert not distributed.is_initialized()
    os._exit(0)


if __name__ == "__main__":
    main()

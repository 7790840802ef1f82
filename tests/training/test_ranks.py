import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import distributed

from commands import ENVIRONMENT
from escuta.data.feature_cache import decode
from escuta.data.feature_worker import FeatureJob, compute
from escuta.errors import DataError, EscutaError, SettingsError, ToldElsewhereError
from escuta.models.load import load_model
from escuta.training.ranks import ALONE, Ranks, join_ranks
from together import WAYS, learn

SCRIPT = Path(__file__).parents[1] / "together.py"


def torchrun(*words):
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, str(SCRIPT), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **ENVIRONMENT},
    )
    assert done.returncode == 0, done.stderr


def test_alone_everything_is_ones_own(monkeypatch):
    assert join_ranks("cpu") is ALONE
    assert (ALONE.most(3), ALONE.from_first("a"), ALONE.all("a")) == (3, "a", ["a"])
    assert ALONE.together(lambda: 1) == ALONE.first_first(lambda: 1) == 1
    with pytest.raises(DataError, match=r"^bad$"), ALONE.naming():
        raise DataError("bad")
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(SettingsError, match="WORLD_SIZE"):
        join_ranks("cpu")


def test_what_ends_a_process_names_it():
    second = Ranks(1, 2)

    with pytest.raises(EscutaError, match=r"^process 2 of 2: no such clip\.$"), second.naming():
        raise DataError("no such clip.")
    alone = r"^process 2 of 2: another process has ended, .* \(gloo: closed\)\.$"
    with pytest.raises(EscutaError, match=alone), second.naming():
        raise RuntimeError("gloo: closed\nand more")
    with pytest.raises(EscutaError, match="another process has ended"), second.naming():
        raise distributed.DistNetworkError("reset")
    with pytest.raises(RuntimeError, match="a mistake"), second.naming():
        raise RuntimeError("a mistake")
    with pytest.raises(ToldElsewhereError), second.naming():
        raise ToldElsewhereError


def test_two_processes_agree_and_the_first_tells_what_is_wrong_in_any(tmp_path, random_base):
    torchrun(random_base, tmp_path, "agree")

    assert (tmp_path / "order").read_text() == "01"
    first, second = ((tmp_path / f"told_{rank}").read_text() for rank in range(2))
    assert first == repr(("said by 0", [0, 1], 10, ("common", "process 2 of 2: own")))
    assert second == repr(("said by 0", [0, 1], 10, ()))


def test_two_processes_learn_what_one_learns_from_both_batches(tmp_path, random_base, dataset):
    clips = sorted((dataset / "wavs").glob("*.wav"))[:3]
    jobs = [
        FeatureJob(clip, text, "en", sound=True)
        for clip, text in zip(clips, ("One.", "Two words.", "Three"), strict=True)
    ]
    features = [decode(content) for content in compute(random_base, jobs)]
    both = load_model(random_base, uses=["features"]).collate(features, torch.Generator().manual_seed(0))
    batches = [{name: one[part] for name, one in both.items()} for part in (slice(2), slice(2, 3))]  # of unequal size
    torch.save(batches, tmp_path / "batches.pt")

    torchrun(random_base, tmp_path, "learn")

    first, second = (torch.load(tmp_path / f"weights_{rank}.pt") for rank in range(2))
    before = load_model(random_base, uses=["training", "decoder_training"]).trained_tensors()
    for way in WAYS:
        alone = learn(random_base, ALONE, [both], way)
        assert max((alone[name] - before[name]).abs().max() for name in alone) > 1e-3
        for name, tensor in alone.items():
            assert torch.equal(first[way][name], second[way][name]), (way, name)
            difference = (first[way][name] - tensor).abs()
            if way == "sound":  # AdamW makes a step of every gradient, even where it is nearly none
                assert (difference > 1e-5).float().mean() < 0.01, name
            elif way != "bf16":  # whose sums differ by more than that, whoever adds them
                assert difference.max() <= 1e-5, (way, name)

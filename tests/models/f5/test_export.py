import pytest
import torch
from safetensors.torch import load_file

from escuta.errors import RunError
from escuta.models.f5.export import MODEL, export
from escuta.models.f5.files import read_yaml
from escuta.models.f5.weights import load_weights


def test_an_export_is_read_back_as_it_was(f5_base, tmp_path):
    weights = load_weights(f5_base)
    changed = {name: one + 1 for name, one in load_weights(f5_base, ["dit"]).tensors.items()}
    export(tmp_path / "out", weights.config, changed, f5_base)

    again = load_weights(tmp_path / "out")

    assert again.config == weights.config
    assert all(torch.equal(again.tensors[name], one) for name, one in changed.items())
    assert (tmp_path / "out" / "vocab.txt").read_bytes() == (f5_base / "vocab.txt").read_bytes()


def test_names_and_architecture_are_those_of_f5_tts(f5_base, tmp_path):
    weights = load_weights(f5_base, ["dit"])
    export(tmp_path, weights.config, weights.tensors, f5_base)

    tensors = load_file(tmp_path / MODEL)
    model = read_yaml(tmp_path / "architecture.yaml")["model"]

    assert all(name.startswith("ema_model.transformer.") for name in tensors)
    assert tensors["ema_model.transformer.rotary_embed.inv_freq"].shape == (32,)
    assert model["backbone"] == "DiT"
    assert model["arch"]["dim"] == 128
    assert model["arch"]["pe_attn_head"] is None


def test_a_folder_that_holds_something_is_refused(f5_base, tmp_path):
    (tmp_path / "mine").touch()
    weights = load_weights(f5_base, ["dit"])

    with pytest.raises(RunError, match="already there"):
        export(tmp_path, weights.config, weights.tensors, f5_base)


def test_tensors_of_another_model_are_not_written(f5_base, tmp_path):
    weights = load_weights(f5_base, ["dit"])
    tensors = dict(weights.tensors)
    tensors.popitem()

    with pytest.raises(ValueError, match="missing"):
        export(tmp_path, weights.config, tensors, f5_base)
    assert not (tmp_path / MODEL).exists()

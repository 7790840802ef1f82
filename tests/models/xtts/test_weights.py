import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from escuta.errors import WeightsError
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.newborn import newborn_config, newborn_tensors
from escuta.models.xtts.weights import PREFIXES, fingerprint, load_weights, save_base
from escuta.text.vocabulary import character_vocabulary

VOCAB = character_vocabulary()
CONFIG = newborn_config(num_text_tokens=max(json.loads(VOCAB)["model"]["vocab"].values()) + 1)
TENSORS = newborn_tensors(CONFIG, seed=0)
DVAE = {name.removeprefix("dvae."): tensor for name, tensor in TENSORS.items() if name.startswith("dvae.")}
MODEL = {name: tensor for name, tensor in TENSORS.items() if not name.startswith("dvae.")}


def write(folder: Path, model: object, name: str = "model.pth", **others: object) -> Path:
    """A folder with a model as given; config and vocabulary as they should be."""
    (folder / "config.json").write_text(json.dumps(CONFIG.to_release()))
    (folder / "vocab.json").write_text(VOCAB)
    torch.save(model, folder / name)
    for stem, content in others.items():
        torch.save(content, folder / f"{stem}.pth")
    return folder


def same(found: dict[str, Tensor], expected: dict[str, Tensor] = TENSORS) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)


def renamed(tensors: dict[str, Tensor], rename: Callable[[str], str]) -> dict[str, Tensor]:
    return {rename(name): tensor for name, tensor in tensors.items()}


def test_a_saved_base_is_loaded_as_it_was(tmp_path):
    save_base(tmp_path, CONFIG, TENSORS, VOCAB)

    weights = load_weights(tmp_path)

    assert weights.config == CONFIG
    assert same(weights.tensors)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors", "vocab.json"]


def test_a_release_is_loaded_and_its_files_stay_as_they_are(tmp_path):
    write(tmp_path, {"model": MODEL, "step": 1}, dvae=DVAE)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    assert same(load_weights(tmp_path).tensors)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_checkpoint_of_coquis_trainer_is_loaded(tmp_path):
    model = renamed(MODEL, "xtts.{}".format) | {f"dvae.{name}": tensor for name, tensor in DVAE.items()}
    model["torch_mel_spectrogram_dvae.mel_stft.spectrogram.window"] = torch.ones(1024)
    model["torch_mel_spectrogram_style_encoder.mel_norms"] = torch.ones(80)
    checkpoint = {"config": {}, "model": model, "optimizer": {"state": {0: {"step": torch.ones(())}}}, "scaler": None}

    assert same(load_weights(write(tmp_path, checkpoint, "best_model.pth")).tensors)


def test_what_is_computed_or_copied_or_only_for_training_the_dvae_is_left_out(tmp_path):
    extra = {
        "gpt.gpt.wte.weight": torch.ones(3),
        "gpt.gpt_inference.transformer.h.0.ln_1.weight": torch.ones(3),
        "hifigan_decoder.speaker_encoder.torch_spec.0.filter": torch.ones(1, 1, 2),
    }
    dvae_extra = {
        "decoder.0.weight": torch.ones(3),
        "discrete_loss.accumulator": torch.ones(3),
        "codebook.cluster_size": torch.ones(3),
        "codebook.embed_avg": torch.ones(3),
    }

    assert same(load_weights(write(tmp_path, {"model": MODEL | extra}, dvae=DVAE | dvae_extra)).tensors)


def test_weight_norms_by_their_old_names_are_loaded(tmp_path):
    def old(name: str) -> str:
        return name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        )

    model = renamed(MODEL, old)
    assert any(name.endswith("ups.0.weight_g") for name in model)

    assert same(load_weights(write(tmp_path, {"model": model}, dvae=DVAE)).tensors)


def test_weights_in_half_precision_become_float32(tmp_path):
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in TENSORS.items()}
    save_base(tmp_path, CONFIG, half, VOCAB)

    expected = {
        name: tensor.half().float() if tensor.is_floating_point() else tensor for name, tensor in TENSORS.items()
    }
    found = load_weights(tmp_path).tensors
    assert same(found, expected)
    assert {tensor.dtype for tensor in found.values()} == {torch.float32, torch.int64}


def test_mel_stats_of_an_old_model_come_from_their_file(tmp_path):
    model = {name: tensor for name, tensor in MODEL.items() if name != "mel_stats"}
    write(tmp_path, {"model": model}, dvae=DVAE, mel_stats=torch.linspace(-5, -6, 80))

    assert torch.equal(load_weights(tmp_path).tensors["mel_stats"], torch.linspace(-5, -6, 80))


def test_parts_are_loaded_alone_under_their_modules_names(tmp_path):
    write(tmp_path, {"model": MODEL})

    weights = load_weights(tmp_path, ["gpt"])

    Gpt(CONFIG).load_state_dict(weights.part("gpt"))
    assert all(name.startswith(PREFIXES["gpt"]) for name in weights.tensors)


def test_a_dvae_that_is_nowhere_is_asked_for(tmp_path):
    with pytest.raises(WeightsError) as refusal:
        load_weights(write(tmp_path, {"model": MODEL}))

    assert str(refusal.value) == (
        f"{tmp_path}: has no dvae.pth, which training needs; expected the one of the base model. Copy it there."
    )


def test_every_difference_from_the_config_is_named_layers_together(tmp_path):
    model = dict(MODEL)
    model["gpt.final_norm.weight"] = torch.ones(64)
    model["gpt.gpt.h.3.ln_1.weight"] = torch.ones(128)
    for layer in range(3):
        del model[f"gpt.gpt.h.{layer}.mlp.c_fc.bias"]
    write(tmp_path, {"model": model}, dvae=DVAE)

    with pytest.raises(WeightsError) as refusal:
        load_weights(tmp_path)

    end = "as config.json says. Use files of one model."
    assert sorted(refusal.value.problems) == [
        f"{tmp_path}/model.pth: gpt.final_norm.weight (1 x) is [64]; expected [128], {end}",
        f"{tmp_path}/model.pth: gpt.gpt.h.*.ln_1.weight (1 x) is [128]; expected none, {end}",
        f"{tmp_path}/model.pth: gpt.gpt.h.*.mlp.c_fc.bias (3 x) is missing; expected [512], {end}",
    ]


def test_the_number_of_text_tokens_is_the_weights_own(tmp_path):
    write(tmp_path, {"model": MODEL}, dvae=DVAE)
    stale = CONFIG.to_release()
    stale["model_args"] |= {"gpt_number_text_tokens": 6153, "gpt_start_text_token": None}
    (tmp_path / "config.json").write_text(json.dumps(stale))

    assert load_weights(tmp_path).config == CONFIG


def test_a_vocabulary_that_is_too_large_for_the_weights_is_refused(tmp_path):
    write(tmp_path, {"model": MODEL}, dvae=DVAE)
    vocabulary = json.loads(VOCAB)
    vocabulary["added_tokens"].append({"id": 6680, "content": "[xx]"})
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))

    with pytest.raises(WeightsError) as refusal:
        load_weights(tmp_path)

    assert str(refusal.value) == (
        f"{tmp_path}/vocab.json: has 6681 tokens; model.pth knows {CONFIG.gpt.num_text_tokens}. "
        "Use the vocab.json made with the model."
    )


@pytest.mark.parametrize("vocabulary", ["{}", '{"model": []}', '{"model": {"vocab": {"a": 1}}}', '{"model": "x"}'])
def test_a_vocabulary_of_something_else_is_refused(tmp_path, vocabulary):
    write(tmp_path, {"model": MODEL}, dvae=DVAE)
    (tmp_path / "vocab.json").write_text(vocabulary)

    with pytest.raises(WeightsError, match=r"vocab\.json: no vocabulary of an XTTS-v2; expected tokens with \[START\]"):
        load_weights(tmp_path)


def test_mel_stats_that_are_no_tensor_are_refused(tmp_path):
    model = {name: tensor for name, tensor in MODEL.items() if name != "mel_stats"}

    with pytest.raises(WeightsError, match=r"mel_stats\.pth: holds no tensor; expected one number a mel bin"):
        load_weights(write(tmp_path, {"model": model}, dvae=DVAE, mel_stats=[1.0]))


def test_an_incomplete_base_is_not_saved(tmp_path):
    tensors = {name: tensor for name, tensor in TENSORS.items() if name != "dvae.codebook.embed"}

    with pytest.raises(ValueError, match=r"1 tensors are missing, or of another shape: dvae\.codebook\.embed"):
        save_base(tmp_path / "base", CONFIG, tensors, VOCAB)
    assert not (tmp_path / "base").exists()


def test_the_fingerprint_is_the_models_sha256_and_follows_its_content(tmp_path):
    model = write(tmp_path, {"model": MODEL}) / "model.pth"
    first = fingerprint(tmp_path)
    assert first == hashlib.sha256(model.read_bytes()).hexdigest()

    model.write_bytes(model.read_bytes() + b"\0")

    assert fingerprint(tmp_path) == hashlib.sha256(model.read_bytes()).hexdigest() != first

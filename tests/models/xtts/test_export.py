import json

import pytest
import torch

from escuta.errors import RunError
from escuta.models.xtts.config import DecoderConfig, GptConfig, XttsConfig
from escuta.models.xtts.export import export, fits_coqui
from escuta.models.xtts.newborn import newborn_config, newborn_tensors
from escuta.models.xtts.weights import load_weights
from escuta.text.vocabulary import character_vocabulary

VOCAB = character_vocabulary()
CONFIG = newborn_config(num_text_tokens=max(json.loads(VOCAB)["model"]["vocab"].values()) + 1)
TENSORS = newborn_tensors(CONFIG, seed=0)


@pytest.fixture
def vocab_file(tmp_path):
    (tmp_path / "base.json").write_text(VOCAB)
    return tmp_path / "base.json"


def test_an_export_is_loaded_again_with_the_same_tensors(tmp_path, vocab_file):
    export(tmp_path / "export", CONFIG, TENSORS, vocab_file)

    weights = load_weights(tmp_path / "export")

    assert weights.config == CONFIG
    assert all(torch.equal(weights.tensors[name], tensor) for name, tensor in TENSORS.items())
    assert {path.name for path in (tmp_path / "export").iterdir()} == {
        *("model.pth", "config.json", "vocab.json", "mel_stats.pth", "dvae.pth")
    }


def test_an_export_has_the_speaker_encoders_computed_state_and_no_dvae_in_its_model(tmp_path, vocab_file):
    export(tmp_path / "export", CONFIG, TENSORS, vocab_file)

    model = torch.load(tmp_path / "export" / "model.pth", weights_only=True)["model"]

    encoder = "hifigan_decoder.speaker_encoder.torch_spec"
    assert model[f"{encoder}.0.filter"].shape == (1, 1, 2)
    assert model[f"{encoder}.1.spectrogram.window"].shape == (400,)
    assert model[f"{encoder}.1.mel_scale.fb"].shape == (257, 64)
    assert not any(name.startswith("dvae.") for name in model)


def test_an_export_is_in_float32_and_no_larger_than_its_tensors(tmp_path, vocab_file):
    shared = torch.zeros(50_000_000, dtype=torch.bfloat16)
    tensors = {name: tensor.bfloat16() if tensor.is_floating_point() else tensor for name, tensor in TENSORS.items()}
    tensors["gpt.final_norm.weight"] = shared[:128]
    speaking = {name: tensor for name, tensor in tensors.items() if not name.startswith("dvae.")}

    export(tmp_path / "export", CONFIG, speaking, vocab_file)

    model = torch.load(tmp_path / "export" / "model.pth", weights_only=True)["model"]
    assert {tensor.dtype for tensor in model.values()} == {torch.float32, torch.int64}
    assert torch.equal(model["gpt.mel_head.bias"], TENSORS["gpt.mel_head.bias"].bfloat16().float())
    assert (tmp_path / "export" / "model.pth").stat().st_size < 10_000_000
    assert not (tmp_path / "export" / "dvae.pth").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path, vocab_file):
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "model.pth").write_text("mine")

    with pytest.raises(RunError) as refusal:
        export(folder, CONFIG, TENSORS, vocab_file)

    assert str(refusal.value) == f"{folder}: already there; expected a new or empty folder. Choose another."
    assert [path.read_text() for path in folder.iterdir()] == ["mine"]


def test_an_incomplete_model_is_not_exported(tmp_path, vocab_file):
    tensors = {name: tensor for name, tensor in TENSORS.items() if name != "gpt.mel_head.bias"}

    with pytest.raises(ValueError, match=r"gpt\.mel_head\.bias"):
        export(tmp_path / "export", CONFIG, tensors, vocab_file)
    assert not (tmp_path / "export").exists()


def test_what_coqui_can_load_is_known():
    assert fits_coqui(XttsConfig())
    assert fits_coqui(XttsConfig(gpt=GptConfig(layers=3, width=128), decoder=DecoderConfig(input_width=128)))
    assert not fits_coqui(CONFIG)

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from escuta.errors import WeightsError
from escuta.models.f5.newborn import CHARACTERS, newborn_config
from escuta.models.f5.weights import features_fingerprint, fingerprint, load_weights
from escuta.models.xtts.weights import load_weights as load_xtts_weights

CONFIG = newborn_config(len(CHARACTERS))


@pytest.fixture
def folder(f5_base, tmp_path):
    """A copy without a word about the architecture."""
    copy = tmp_path / "model"
    shutil.copytree(f5_base, copy)
    (copy / "architecture.yaml").unlink()
    return copy


def saved(folder, tensors):
    (folder / "model_last.safetensors").unlink(missing_ok=True)
    torch.save(tensors, folder / "model_1.pt")
    return folder


def test_sizes_are_told_by_the_tensors(folder):
    weights = load_weights(folder)

    assert weights.config == CONFIG
    assert {tensor.dtype for tensor in weights.tensors.values()} == {torch.float32}
    assert weights.part("vocos").keys() >= {"backbone.embed.weight", "head.out.weight"}


@pytest.mark.parametrize("form", ["ema", "plain", "training", "live", "half"])
def test_every_form_of_a_checkpoint_is_read(folder, form):
    ema = load_file(folder / "model_last.safetensors")
    plain = {name.removeprefix("ema_model."): tensor for name, tensor in ema.items()}
    other = {name: tensor + 1 for name, tensor in plain.items()}
    extra = {
        "initted": torch.tensor(True),
        "step": torch.tensor(3),
        "ema_model.mel_spec.mel_stft.spectrogram.window": torch.ones(4),
    }
    content = {
        "ema": ema,
        "plain": plain,
        "training": {"ema_model_state_dict": ema | extra, "model_state_dict": other, "update": 7},
        "live": {"model_state_dict": plain, "update": 7},
        "half": {name: tensor.half() for name, tensor in ema.items()},
    }[form]

    weights = load_weights(saved(folder, content), ["dit"])

    name = "transformer.proj_out.weight"
    torch.testing.assert_close(weights.tensors[name], plain[name], rtol=1e-3, atol=1e-3)
    assert "transformer.rotary_embed.inv_freq" not in weights.tensors


@pytest.mark.parametrize("how", ["yaml", "folder", "number"])
def test_the_first_base_is_told_by_its_configuration_or_its_name(folder, how):
    if how == "yaml":
        arch = "text_mask_padding: False, pe_attn_head: 1"
        (folder / "F5TTS_Base.yaml").write_text(f"model:\n  arch: {{{arch}}}\n")
    elif how == "folder":
        folder = folder.rename(folder.with_name("F5TTS_Base"))
    else:
        (folder / "model_last.safetensors").rename(folder / "model_1200000.safetensors")

    config = load_weights(folder, ["dit"]).config.dit

    assert (config.masks_text_padding, config.turned_heads) == (False, 1)


def test_a_vocabulary_of_another_size_is_refused(folder):
    with (folder / "vocab.txt").open("a") as file:
        file.write("ß\n")

    with pytest.raises(WeightsError, match=rf"has {len(CHARACTERS) + 1} entries; .* knows {len(CHARACTERS)}\."):
        load_weights(folder)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("ema_model.transformer.layers.0.1.to_q.weight", "E2-TTS"),
        ("xtts.gpt.mel_head.weight", "XTTS-v2"),
        ("encoder.weight", "none that escuta knows"),
    ],
)
def test_other_models_are_named_and_refused(folder, name, title):
    with pytest.raises(WeightsError, match=f"the model is {title}; expected F5TTS_v1_Base"):
        load_weights(saved(folder, {name: torch.ones(2)}))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("transformer.audio_embed.linear.weight", "MMDiT"),
        ("transformer.transformer_blocks.0.attn.q_norm.weight", "qk_norm"),
    ],
)
def test_other_backbones_are_named_and_refused(folder, name, part):
    ema = load_file(folder / "model_last.safetensors")

    with pytest.raises(WeightsError, match=f"an F5-TTS with {part}"):
        load_weights(saved(folder, ema | {name: torch.ones(2)}))


def test_an_f5_given_as_an_xtts_is_named_and_refused(folder, random_base, tmp_path):
    mixed = tmp_path / "mixed"
    shutil.copytree(random_base, mixed)
    shutil.copy(folder / "model_last.safetensors", mixed / "model.safetensors")

    with pytest.raises(WeightsError, match="the model is F5-TTS; expected an XTTS-v2"):
        load_xtts_weights(mixed)


def test_what_is_missing_or_of_another_shape_is_named_once_for_all_layers(folder):
    ema = load_file(folder / "model_last.safetensors")
    wrong = {name: tensor[:-1] if ".to_k.weight" in name else tensor for name, tensor in ema.items()}
    del wrong["ema_model.transformer.proj_out.bias"]

    with pytest.raises(WeightsError) as refusal:
        load_weights(saved(folder, wrong))

    assert len(refusal.value.problems) == 2
    assert "transformer_blocks.*.attn.to_k.weight (3 x) is [127, 128]; expected [128, 128]" in str(refusal.value)
    assert "transformer.proj_out.bias (1 x) is missing; expected [100]" in str(refusal.value)


def test_half_a_model_is_refused(folder):
    part = {name: one for name, one in load_file(folder / "model_last.safetensors").items() if "proj_out" not in name}
    save_file(part, folder / "model_last.safetensors")

    with pytest.raises(WeightsError, match=r"proj_out\.weight' is missing"):
        load_weights(folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [("VocosBackbone", "VocosResNetBackbone"), ('"hop_length": 256', '"hop_length": 320'), ('"dim"', '"dimension"')],
)
def test_another_vocoder_is_refused(folder, old, new):
    config = folder / "vocos" / "config.yaml"
    config.write_text(config.read_text().replace(old, new))

    with pytest.raises(WeightsError, match=r"config\.yaml"):
        load_weights(folder)
    assert load_weights(folder, ["dit"]).config.dit == CONFIG.dit


def test_fingerprints_tell_models_and_features_apart(f5_base, folder):
    assert fingerprint(folder) == fingerprint(f5_base)
    saved(folder, load_file(folder / "model_last.safetensors"))
    assert fingerprint(folder) != fingerprint(f5_base)
    assert features_fingerprint(folder) == features_fingerprint(f5_base)

    (folder / "vocab.txt").write_text(" \na\n")
    assert features_fingerprint(folder) != features_fingerprint(f5_base)

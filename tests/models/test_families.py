import pytest

from escuta.models.families import family_of, title_of


@pytest.mark.parametrize("name", ["vocab.txt", "model_1250000.safetensors", "model_last.pt"])
def test_files_of_f5_tell_an_f5(tmp_path, name):
    (tmp_path / name).touch()

    assert family_of(tmp_path) == "f5"


@pytest.mark.parametrize("names", [(), ("config.json", "vocab.json"), ("vocab.json", "model_last.pt")])
def test_all_else_is_an_xtts(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()

    assert family_of(tmp_path) == "xtts"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("gpt.mel_head.bias", "XTTS-v2"),
        ("xtts.gpt.mel_head.bias", "XTTS-v2"),
        ("transformer.transformer_blocks.0.attn.to_q.bias", "F5-TTS"),
        ("ema_model.transformer.layers.0.1.g", "E2-TTS"),
        ("encoder.weight", None),
    ],
)
def test_tensors_tell_what_they_are_of(name, title):
    assert title_of(["other", name]) == title

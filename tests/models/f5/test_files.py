import pytest

from escuta.errors import WeightsError
from escuta.models.f5.files import find_files, read_yaml


def made(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("model_500.pt", "model_1250000.safetensors"), "model_1250000.safetensors"),
        (("model_900.pt", "model_last.pt", "model_1000.pt"), "model_last.pt"),
        (("pretrained_model_1200000.pt",), "pretrained_model_1200000.pt"),
        (("my_voice.safetensors",), "my_voice.safetensors"),
    ],
)
def test_the_last_model_of_a_folder_is_taken(tmp_path, names, chosen):
    assert find_files(made(tmp_path, "vocab.txt", *names)).model.name == chosen


def test_models_that_nothing_tells_apart_are_not_chosen_from(tmp_path):
    with pytest.raises(WeightsError, match="has no model"):
        find_files(made(tmp_path, "vocab.txt", "one.pt", "other.pt"))


@pytest.mark.parametrize("place", ["vocos", "vocos-mel-24khz", "."])
def test_the_vocoder_is_found_in_or_beside(tmp_path, place):
    made(tmp_path, "vocab.txt", "model_1.pt", f"{place}/config.yaml", f"{place}/pytorch_model.bin")

    files = find_files(tmp_path, speaking=True)

    assert files.vocos_config == tmp_path / place / "config.yaml"
    assert files.vocos_weights == tmp_path / place / "pytorch_model.bin"


def test_the_architecture_is_the_yaml_that_has_a_model(tmp_path):
    made(tmp_path, "vocab.txt", "model_1.pt", "a.yaml")
    assert find_files(tmp_path).architecture is None

    (tmp_path / "b.yaml").write_text("model:\n  arch: {dim: 8}\n")
    assert find_files(tmp_path).architecture == tmp_path / "b.yaml"


def test_all_that_is_missing_is_named(tmp_path):
    with pytest.raises(WeightsError) as refusal:
        find_files(tmp_path, speaking=True)

    assert len(refusal.value.problems) == 3
    assert all(word in str(refusal.value) for word in ("model_N.safetensors", "vocab.txt", "charactr/vocos-mel-24khz"))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(WeightsError, match="is no folder"):
        find_files(tmp_path / "f5")


@pytest.mark.parametrize(
    ("content", "why"), [(b"a: [", "cannot be read"), (b"- 1", "holds no table"), (b"\xff", "cannot")]
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content, why):
    (tmp_path / "a.yaml").write_bytes(content)

    with pytest.raises(WeightsError, match=why):
        read_yaml(tmp_path / "a.yaml")

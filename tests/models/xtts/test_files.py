import json

import pytest

from escuta.errors import WeightsError
from escuta.models.xtts.files import find_files, read_json

RELEASE = ("model.pth", "config.json", "vocab.json", "dvae.pth", "mel_stats.pth")


def folder_of(path, *names):
    path.mkdir(exist_ok=True)
    for name in names:
        (path / name).write_text("{}")
    return path


def test_a_release_is_found(tmp_path):
    files = find_files(folder_of(tmp_path, *RELEASE, "speakers_xtts.pth", "LICENSE.txt"))

    found = (files.model, files.config, files.vocab, files.dvae, files.mel_stats)
    assert found == tuple(tmp_path / name for name in RELEASE)


def test_all_missing_files_are_named_at_once(tmp_path):
    with pytest.raises(WeightsError) as refusal:
        find_files(tmp_path)

    assert refusal.value.problems == (
        f"{tmp_path}: has no model; expected model.pth, model.safetensors, best_model.pth or checkpoint_N.pth. "
        "Copy one there.",
        f"{tmp_path}: has no config.json; expected the one made with the model. Copy it there.",
        f"{tmp_path}: has no vocab.json; expected the one of the base model. Copy it there.",
    )


def test_a_dvae_and_mel_stats_of_their_own_are_no_must(tmp_path):
    files = find_files(folder_of(tmp_path, "model.safetensors", "config.json", "vocab.json"))

    assert (files.dvae, files.mel_stats) == (None, None)


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        (("model.pth", "model.safetensors", "best_model.pth"), "model.pth"),
        (("model.safetensors", "best_model.pth"), "model.safetensors"),
        (("best_model.pth", "best_model_1234.pth", "checkpoint_2000.pth"), "best_model.pth"),
        (("checkpoint_900.pth", "checkpoint_10000.pth", "checkpoint_old.pth"), "checkpoint_10000.pth"),
    ],
)
def test_one_model_of_several_is_chosen(tmp_path, there, chosen):
    assert find_files(folder_of(tmp_path, "config.json", "vocab.json", *there)).model.name == chosen


def test_a_training_runs_settings_say_where_its_vocabulary_is(tmp_path):
    base = folder_of(tmp_path / "base", "vocab.json")
    run = folder_of(tmp_path / "run", "best_model.pth")
    (run / "config.json").write_text(json.dumps({"model_args": {"tokenizer_file": str(base / "vocab.json")}}))

    assert find_files(run).vocab == base / "vocab.json"


@pytest.mark.parametrize("settings", [{}, {"model_args": None}, {"model_args": {"tokenizer_file": ""}}])
def test_settings_that_name_no_vocabulary_are_no_trouble(tmp_path, settings):
    folder_of(tmp_path, "best_model.pth")
    (tmp_path / "config.json").write_text(json.dumps(settings))

    with pytest.raises(WeightsError, match=r"has no vocab\.json; expected the one of the base model"):
        find_files(tmp_path)


def test_what_is_no_folder_is_named(tmp_path):
    with pytest.raises(WeightsError) as refusal:
        find_files(tmp_path / "absent")

    assert str(refusal.value) == f"{tmp_path / 'absent'}: is no folder; expected one with the files of an XTTS-v2."


@pytest.mark.parametrize(
    ("content", "complaint"), [("{", "cannot be read"), ("[]", "holds no table"), ("\x00", "cannot be read")]
)
def test_a_damaged_json_file_is_named(tmp_path, content, complaint):
    (tmp_path / "config.json").write_text(content)

    with pytest.raises(WeightsError, match=complaint) as refusal:
        read_json(tmp_path / "config.json")

    assert str(refusal.value).startswith(f"{tmp_path / 'config.json'}: ")
    assert len(refusal.value.problems) == 1

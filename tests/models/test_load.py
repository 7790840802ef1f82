import shutil

import pytest
import torch

from escuta.errors import InstallError, WeightsError
from escuta.models.base import VoiceModel
from escuta.models.load import load_model, model_fingerprint, refuse_absent


def test_a_folder_becomes_a_model_that_keeps_the_contract(random_base):
    model: VoiceModel = load_model(random_base, uses=["features", "training", "speaking"])

    for name in VoiceModel.__annotations__.keys() | {name for name in vars(VoiceModel) if name[0] != "_"}:
        assert hasattr(model, name), name
    assert model.family == "xtts"
    assert "pt" in model.languages


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=str(tmp_path)):
        load_model(tmp_path, uses=["speaking"])


@pytest.mark.parametrize("device", ["cuda:99", "mps:1", "cuda:x", "tpu", ""])
def test_a_device_that_is_not_there_is_refused(random_base, device):
    with pytest.raises(InstallError) as refusal:
        load_model(random_base, uses=["speaking"], device=device)

    assert str(refusal.value).startswith(f"device {device}: not there, or not for this PyTorch; expected one of cpu")


def test_devices_that_are_there_are_not_refused():
    refuse_absent("cpu")
    for number in range(torch.cuda.device_count()):
        refuse_absent("cuda")
        refuse_absent(f"cuda:{number}")


def test_a_fingerprint_tells_one_base_from_another(random_base, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(random_base, copy)
    assert model_fingerprint(copy) == model_fingerprint(random_base)

    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)

    assert model_fingerprint(copy) != model_fingerprint(random_base)

import builtins
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from escuta.errors import WeightsError
from escuta.models.weights_file import Record, read_weights_file, tensors_in

TENSORS = {"weight": torch.arange(20_000.0).reshape(100, 200), "num_batches_tracked": torch.tensor(7)}


class Call:
    """A pickle of this makes whoever unpickles it call a function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> tuple[object, ...]:
        return self.reduced


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == TENSORS.keys() and all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


def test_a_checkpoint_is_read(tmp_path):
    torch.save({"model": TENSORS, "step": 3, "lr": [5e-6]}, tmp_path / "model.pth")

    content = read_weights_file(tmp_path / "model.pth")

    assert same(tensors_in(tmp_path / "model.pth", content))
    assert (content["step"], content["lr"]) == (3, [5e-6])


def test_the_format_before_pytorch_1_6_is_read(tmp_path):
    torch.save(TENSORS, tmp_path / "old.pth", _use_new_zipfile_serialization=False)

    assert same(tensors_in(tmp_path / "old.pth", read_weights_file(tmp_path / "old.pth")))


def test_safetensors_are_read(tmp_path):
    save_file(TENSORS, tmp_path / "model.safetensors")

    assert same(read_weights_file(tmp_path / "model.safetensors"))


def test_tensors_are_mapped_and_the_file_stays_as_it_was(tmp_path):
    path = tmp_path / "model.pth"
    torch.save(TENSORS, path)
    before = path.read_bytes()
    path.chmod(0o444)

    tensors = read_weights_file(path)
    mapped = Path("/proc/self/maps").read_text()
    tensors["weight"].zero_()

    assert str(path) in mapped
    assert path.read_bytes() == before


def test_foreign_objects_become_records_and_no_class_of_theirs_is_imported(tmp_path):
    path = tmp_path / "model.pth"
    package = tmp_path / "site" / "TTS" / "tts" / "configs"
    package.mkdir(parents=True)
    (package / "xtts_config.py").write_text(
        textwrap.dedent("""\
            import pathlib
            pathlib.Path(__file__).with_name("imported").touch()

            class XttsArgs:
                def __init__(self):
                    self.gpt_layers = 30

            class XttsConfig:
                def __init__(self):
                    self.model_args = XttsArgs()
                    self.languages = ["en", "pt"]

                def __setstate__(self, state):
                    pathlib.Path(__file__).with_name("built").touch()
        """)
    )
    save = (
        "import sys, torch; from TTS.tts.configs.xtts_config import XttsConfig;"
        "torch.save({'config': XttsConfig(), 'model': {'weight': torch.ones(3)}}, sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", save, path], env=os.environ | {"PYTHONPATH": package.parents[2]}, check=True)
    (package / "imported").unlink()
    sys.path.insert(0, str(package.parents[2]))
    try:
        content = read_weights_file(path)
    finally:
        sys.path.remove(str(package.parents[2]))

    config = content["config"]
    assert isinstance(config, Record)
    assert config.state["languages"] == ["en", "pt"]
    assert config.state["model_args"].state == {"gpt_layers": 30}
    assert torch.equal(content["model"]["weight"], torch.ones(3))
    assert sorted(file.name for file in package.iterdir() if file.is_file()) == ["xtts_config.py"]
    assert "TTS" not in sys.modules


def test_a_record_is_called_without_effect(tmp_path):
    path = tmp_path / "model.pth"
    write_zip(path, b"\x80\x02cTTS.utils.io\nrun\nX\x05\x00\x00\x00rm -r\x85R.")

    record = read_weights_file(path)

    assert isinstance(record, Record)
    assert record.arguments == ("rm -r",)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old-format"])
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch hacked",), "posix.system"),
        (builtins.exec, ("open('hacked', 'w')",), "exec"),
        (builtins.getattr, ("", "join"), "getattr"),
        (builtins.__import__, ("antigravity",), "__import__"),
        (torch.load, ("inner.pth",), "torch.serialization.load"),
        (shutil.rmtree, (".",), "shutil.rmtree"),
        (torch.hub.load, ("a/b", "c"), "torch.hub.load"),
    ],
)
def test_a_file_that_asks_for_a_function_is_refused_by_name(tmp_path, monkeypatch, zipped, function, arguments, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pth"
    content = {"model": TENSORS, "config": Call(function, *arguments)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)

    with pytest.raises(WeightsError) as refusal:
        read_weights_file(path)

    assert str(refusal.value) == (
        f"{path}: asks for {'builtins.' * (zipped and '.' not in name)}{name}, which is no part of weights; expected "
        "tensors, numbers and plain containers. It was not loaded: get the file from a source you trust."
    )
    assert list(tmp_path.iterdir()) == [path]


def test_all_functions_asked_for_are_named(tmp_path):
    torch.save([Call(os.system, "true"), Call(eval, "1")], tmp_path / "model.pth")

    with pytest.raises(WeightsError) as refusal:
        read_weights_file(tmp_path / "model.pth")

    assert [problem.split()[3].rstrip(",") for problem in refusal.value.problems] == ["builtins.eval", "posix.system"]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_bare_pickle_of_any_protocol_runs_nothing(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pth"
    path.write_bytes(pickle.dumps(Call(os.system, "touch hacked"), protocol=protocol))

    with pytest.raises(WeightsError):
        read_weights_file(path)

    assert list(tmp_path.iterdir()) == [path]


def test_a_function_reached_through_an_attribute_of_a_record_is_refused(tmp_path):
    path = tmp_path / "model.pth"
    write_zip(path, b"\x80\x04\x8c\x03TTS\x8c\x1d__new__.__globals__.__import__\x93\x8c\x02os\x85R.")

    with pytest.raises(WeightsError):
        read_weights_file(path)


@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint", b"<!DOCTYPE html><html></html>", b'{"model": {}}', b"PK"]
)
@pytest.mark.parametrize("name", ["model.pth", "model.safetensors"])
def test_what_is_no_file_of_weights_is_refused_in_one_line(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(WeightsError) as refusal:
        read_weights_file(tmp_path / name)

    assert str(refusal.value) == (
        f"{tmp_path / name}: is damaged, or no file of weights; expected what torch.save or safetensors writes. "
        "Fetch or copy it again."
        if content
        else f"{tmp_path / name}: the file is empty. Fetch it again."
    )


@pytest.mark.parametrize("kept", [0.01, 0.5, 0.999])
@pytest.mark.parametrize("kind", ["zip", "old-format", "safetensors"])
def test_a_truncated_file_is_refused(tmp_path, kept, kind):
    path = tmp_path / f"model.{'safetensors' if kind == 'safetensors' else 'pth'}"
    if kind == "safetensors":
        save_file(TENSORS, path)
    else:
        torch.save(TENSORS, path, _use_new_zipfile_serialization=kind == "zip")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])

    with pytest.raises(WeightsError, match="is damaged"):
        read_weights_file(path)


def test_another_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.pth", "w") as archive:
        archive.writestr("wavs/audio_00000.wav", "RIFF")

    with pytest.raises(WeightsError, match="is damaged, or no file of weights"):
        read_weights_file(tmp_path / "model.pth")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError) as refusal:
        read_weights_file(tmp_path / "model.pth")

    assert str(refusal.value) == f"{tmp_path / 'model.pth'}: cannot be read (No such file or directory)."


def test_a_file_without_named_tensors_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="holds no named tensors; expected a state dict"):
        tensors_in(tmp_path / "model.pth", [torch.ones(3)])


def write_zip(path: Path, program: bytes) -> None:
    """A checkpoint as torch.save lays it out, around any pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")

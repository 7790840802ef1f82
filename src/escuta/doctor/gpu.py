"""What there is of GPUs, driver, CUDA and its libraries. Looked up in a process of its own: loading them can crash.

python -m escuta.doctor.gpu
"""

import ctypes
import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

NVIDIA_VENDOR = "0x10de"  # of PCI
CUDA_LIBRARIES = ("libcufft.so*", "libcudart.so*", "libcublas.so*", "libcudnn.so*")

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU that PyTorch sees."""

    name: str
    capability: Version
    """Compute capability: (8, 9) is sm_89."""
    memory_gb: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What a judgement about the GPUs of a machine rests on."""

    torch: str = ""
    torch_cuda: Version | None = None
    """The CUDA that this PyTorch was built for; None for the CPU alone, and for other makes of GPU."""
    arch_list: tuple[str, ...] = ()
    """What this PyTorch has code for: sm_80, compute_90, ..."""
    gpus: tuple[Gpu, ...] = ()
    nvidia_hardware: bool = False
    """Whether the machine shows an NVIDIA GPU, to PyTorch or not."""
    driver: str | None = None
    """Version of NVIDIA's driver, None where none is loaded."""
    driver_cuda: Version | None = None
    """The newest CUDA that the driver runs."""
    visible_devices: str | None = None
    """`CUDA_VISIBLE_DEVICES`."""
    wheels: tuple[str, ...] = ()
    """NVIDIA's packages: "nvidia-cufft-cu12 11.4.0.6"."""
    library_path_finds: tuple[str, ...] = ()
    """CUDA libraries in the folders of LD_LIBRARY_PATH."""
    cufft_installed: tuple[str, ...] = ()
    """Files of cuFFT that came with PyTorch or its packages."""
    cufft_loaded: tuple[str, ...] = ()
    """Files of cuFFT that the process has loaded."""

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Facts":
        """Read what `asdict` and JSON made of it."""
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in found.items()
        }
        plain["gpus"] = tuple(Gpu(gpu["name"], tuple(gpu["capability"]), gpu["memory_gb"]) for gpu in found["gpus"])
        return cls(**plain)


def look() -> Facts:
    """Look at this machine."""
    import torch

    count = torch.cuda.device_count()
    properties = [torch.cuda.get_device_properties(index) for index in range(count)]
    installed = {str(path) for path in _installed("libcufft.so", Path(torch.__file__).parent / "lib")}
    return Facts(
        torch=torch.__version__,
        torch_cuda=version(torch.version.cuda),
        arch_list=tuple(torch.cuda.get_arch_list()) if count else (),
        gpus=tuple(Gpu(one.name, (one.major, one.minor), round(one.total_memory / 1e9, 1)) for one in properties),
        nvidia_hardware=count > 0 or nvidia_hardware(Path("/")),
        driver=driver(Path("/")),
        driver_cuda=_driver_cuda(),
        visible_devices=os.environ.get("CUDA_VISIBLE_DEVICES"),
        wheels=tuple(sorted(f"{one.name} {one.version}" for one in _nvidia_wheels())),
        library_path_finds=library_path_finds(os.environ.get("LD_LIBRARY_PATH", "")),
        cufft_installed=tuple(sorted(installed)),
        cufft_loaded=loaded("libcufft.so", Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")),
    )


def version(text: str | None) -> Version | None:
    """Read "12.8" or "12.8.1"; None where it is none."""
    with suppress(AttributeError, ValueError):
        major, minor = (text or "").split(".")[:2]
        return int(major), int(minor)
    return None


def nvidia_hardware(root: Path) -> bool:
    """Whether an NVIDIA graphics device is on the bus, or its driver or WSL's is there."""
    vendors = root.glob("sys/bus/pci/devices/*/vendor")
    return (
        any(_text(file) == NVIDIA_VENDOR and _text(file.with_name("class")).startswith("0x03") for file in vendors)
        or any(root.glob("proc/driver/nvidia/gpus/*"))
        or (root / "usr/lib/wsl/lib/libcuda.so.1").exists()
    )


def driver(root: Path) -> str | None:
    """The version of NVIDIA's driver, as the kernel has it."""
    words = _text(root / "proc/driver/nvidia/version").splitlines()[:1]
    return next((word for word in " ".join(words).split() if word.count(".") and word[0].isdigit()), None)


def library_path_finds(library_path: str) -> tuple[str, ...]:
    """The CUDA libraries that LD_LIBRARY_PATH puts before all others."""
    folders = [Path(folder) for folder in library_path.split(":") if folder]
    return tuple(sorted({str(file) for folder in folders for name in CUDA_LIBRARIES for file in folder.glob(name)}))


def loaded(name: str, maps: str) -> tuple[str, ...]:
    """The files of one library in a process's memory map."""
    paths = {fields[5] for line in maps.splitlines() if len(fields := line.split(maxsplit=5)) == 6}
    return tuple(sorted(path for path in paths if Path(path).name.startswith(name)))


def _installed(name: str, torch_folder: Path) -> Iterable[Path]:
    yield from torch_folder.glob(f"{name}*")
    yield from (Path(sys.prefix) / "lib").glob(f"{name}*")  # conda
    for wheel in _nvidia_wheels():
        yield from (Path(str(wheel.locate_file(file))) for file in wheel.files or () if file.name.startswith(name))


def _nvidia_wheels() -> list[metadata.Distribution]:
    return [one for one in metadata.distributions() if (one.name or "").lower().startswith("nvidia-")]


def _driver_cuda() -> Version | None:
    """Ask the driver itself, which also answers where it is too old for this PyTorch."""
    number = ctypes.c_int()
    try:
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(number))
    except (OSError, AttributeError):
        return None
    return (number.value // 1000, number.value % 1000 // 10) if number.value else None


def _text(file: Path) -> str:
    with suppress(OSError):
        return file.read_text(encoding="utf-8", errors="replace").strip()
    return ""


if __name__ == "__main__":
    print(json.dumps({"status": "passed", "message": "", **asdict(look())}))

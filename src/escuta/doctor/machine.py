"""Disk, memory, cores and the libraries that every use needs."""

import os
import platform
import shutil
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path

from escuta import __version__
from escuta.doctor.finding import Finding
from escuta.messages import _

CHECKPOINT_GB = 5.3
"""Weights and optimizer of an XTTS-v2 of release size; docs/limits.md."""
LEAST_DISK_GB = 0.5
"""A small run writes its checkpoints and samples in it."""
TRAINING_GB = 10.0
"""fp32 weights, gradients and two moments of release size take 7 GB, activations the rest; docs/limits.md."""
LEAST_MEMORY_GB = 2.0

PACKAGES = ("torch", "numpy", "soundfile", "soxr", "safetensors", "tokenizers", "accelerate", "huggingface_hub")


@dataclass(frozen=True, slots=True)
class Machine:
    """What is there, of what training and speaking use."""

    escuta: str
    python: str
    system: str
    folder: str
    """Where runs would be written."""
    disk_free_gb: float
    memory_gb: float
    """In all, or as much as the container may use."""
    memory_free_gb: float
    cores: float
    """Those that this process may use."""
    packages: dict[str, str]
    """Version of each, "" where it is missing."""
    libsndfile: str
    """Version, or "" where soundfile cannot load it."""
    audio_problem: str
    """Why the audio libraries cannot be used, "" where they can."""


def look(folder: Path) -> Machine:
    """Look at this machine, whose runs would be written below `folder`."""
    total_gb, free_gb = memory_gb(Path("/"))
    libsndfile, audio_problem = _audio()
    return Machine(
        escuta=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        folder=str(folder.resolve()),
        disk_free_gb=round(shutil.disk_usage(folder).free / 1e9, 1),
        memory_gb=round(total_gb, 1),
        memory_free_gb=round(free_gb, 1),
        cores=cores(Path("/")),
        packages={name: _version(name) for name in PACKAGES},
        libsndfile=libsndfile,
        audio_problem=audio_problem,
    )


def judge(machine: Machine) -> list[Finding]:
    """What that is enough for."""
    return [*_room(machine), *_libraries(machine)]


def memory_gb(root: Path) -> tuple[float, float]:
    """Memory in all and to be had, GB, within the limit of the container where it has one."""
    lines = (line.partition(":") for line in (root / "proc/meminfo").read_text(encoding="ascii").splitlines())
    kilobytes = {name: int(rest.split()[0]) for name, _colon, rest in lines if rest.split()}
    total, free = kilobytes["MemTotal"] * 1024, kilobytes["MemAvailable"] * 1024
    group = root / "sys/fs/cgroup"
    with suppress(OSError, ValueError):  # no such limit, or the word "max"
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
        total, free = min(total, limit), min(free, max(0, limit - used))
    return total / 1e9, free / 1e9


def cores(root: Path) -> float:
    """CPU cores that this process may use, within the quota of the container where it has one."""
    allowed = float(len(os.sched_getaffinity(0)))
    with suppress(OSError, ValueError):
        quota, period = (root / "sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        allowed = min(allowed, int(quota) / int(period))
    return round(allowed, 1)


def _audio() -> tuple[str, str]:
    """The version of libsndfile, and what keeps the audio libraries from loading."""
    try:
        libsndfile = str(import_module("soundfile").__libsndfile_version__)
        import_module("soxr")
    except (ImportError, OSError) as error:  # soundfile says OSError when libsndfile is not there
        return "", next(iter(str(error).splitlines()), "")
    return libsndfile, ""


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _room(machine: Machine) -> list[Finding]:
    disk = _("Disk: {free_gb:.1f} GB free in {folder}; each checkpoint of an XTTS-v2 takes {checkpoint_gb} GB.").format(
        free_gb=machine.disk_free_gb, folder=machine.folder, checkpoint_gb=CHECKPOINT_GB
    )
    memory = _(
        "Memory: {free_gb:.1f} of {memory_gb:.1f} GB free; training an XTTS-v2 takes up to {training_gb:.0f} GB."
    ).format(free_gb=machine.memory_free_gb, memory_gb=machine.memory_gb, training_gb=TRAINING_GB)
    found = []
    for text, have_gb, enough_gb, least_gb, advice in (
        (disk, machine.disk_free_gb, 2 * CHECKPOINT_GB, LEAST_DISK_GB, _("Make room, or use --out elsewhere.")),
        (memory, machine.memory_free_gb, TRAINING_GB, LEAST_MEMORY_GB, _("End other programs, or train small models.")),
    ):
        if have_gb >= enough_gb:
            found.append(Finding("fine", text))
        else:
            found.append(Finding("warning" if have_gb >= least_gb else "broken", f"{text} {advice}"))
    return [*found, Finding("fine", _("CPU: {cores:g} cores.").format(cores=machine.cores))]


def _libraries(machine: Machine) -> list[Finding]:
    if missing := [name for name, version in machine.packages.items() if not version]:
        text = _("Packages are missing: {names}. Install escuta anew.").format(names=", ".join(missing))
        return [Finding("broken", text)]
    if machine.audio_problem:
        text = _("Audio cannot be read: {cause}. Install soundfile and soxr anew.").format(cause=machine.audio_problem)
        return [Finding("broken", text)]
    return [
        Finding(
            "fine",
            _("Audio: soundfile {soundfile} (libsndfile {libsndfile}), soxr {soxr}.").format(
                soundfile=machine.packages["soundfile"],
                libsndfile=machine.libsndfile,
                soxr=machine.packages["soxr"],
            ),
        )
    ]

"""What figures are measured on, and how much memory a process takes."""

import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import torch

from escuta import __version__

ASK_VERSIONS = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"


def machine(threads: int) -> dict[str, Any]:
    """What this machine is, and how busy it is at this moment."""
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = [line.partition(":")[2].strip() for line in cpu.splitlines() if line.startswith("model name")]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": threads,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "escuta": __version__,
    }


def peer_versions(python: Path, *peers: str) -> dict[str, str]:
    """PyTorch and the peer's packages in its environment, coqui-tts unless named.

    Raises:
        subprocess.CalledProcessError: One of them is not there.
    """
    peers = peers or ("coqui-tts",)
    command = [str(python), "-c", ASK_VERSIONS, "torch", *peers]
    versions = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return dict(zip(("peer_torch", *peers), versions, strict=True))


def memory(pid: int | str = "self") -> dict[str, int]:
    """The most memory that a process ever had, files mapped into it included, and what of it is not of files now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    names = {"peak_bytes": "VmHWM:", "private_bytes": "RssAnon:"}
    return {name: 1024 * int(status.partition(field)[2].split()[0]) for name, field in names.items()}


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have computed for."""
    # After the name in parentheses, which may hold spaces: fields 3 and on; utime and stime are 14 and 15.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pin(pid: int, core: int) -> None:
    """Keep all threads of a process, and those they start from now on, on one core."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})

"""How much memory there is for one more process, so that it asks before it takes."""

import os
from pathlib import Path

UNLIMITED_BYTES = 1 << 60
"""What control groups without a limit report is above this."""


def available_bytes(root: Path = Path("/")) -> int:
    """What this process may still take without anything being swapped or killed: the machine's, or its group's.

    Args:
        root: Where proc/ and sys/ lie.
    """
    free = [_of_group(root, *names) for names in _GROUPS]
    return max(0, min(found for found in (_of_machine(root), *free) if found is not None))


def own_bytes(root: Path = Path("/")) -> int:
    """What this process has already taken; 0 where the system does not say."""
    field = _field(root / "proc/self/status", "VmRSS")
    return field or 0


def peak_bytes(root: Path = Path("/")) -> int:
    """The most that this process has ever taken; 0 where the system does not say."""
    return _field(root / "proc/self/status", "VmHWM") or 0


_GROUPS = (
    ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Control groups of version 2 and 1, as a container sees its own."""


def _of_machine(root: Path) -> int:
    available = _field(root / "proc/meminfo", "MemAvailable")
    return available if available is not None else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _of_group(root: Path, folder: str, limit_name: str, used_name: str, cache_name: str) -> int | None:
    """The least that any group above this process leaves it; files in the cache can go and do not count."""
    left = []
    for group in _groups(root, root / folder):
        limit, used = _number(group / limit_name), _number(group / used_name)
        if limit is not None and used is not None and limit < UNLIMITED_BYTES:
            left.append(limit - used + _stat(group / "memory.stat", cache_name))
    return min(left, default=None)


def _groups(root: Path, top: Path) -> list[Path]:
    """The group of this process and those above it, as far as they are visible here."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return [top]
    found = {top}
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0" or "memory" in controllers.split(","):
            group = top / path.lstrip("/")
            found |= {group, *group.parents} & {one for one in (group, *group.parents) if one.is_relative_to(top)}
    return sorted(found)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # "max" is no limit
        return None


def _stat(path: Path, name: str) -> int:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)


def _field(path: Path, name: str) -> int | None:
    """A field of a table as `MemAvailable:  123 kB`, in bytes."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), None)

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from escuta.doctor.machine import CHECKPOINT_GB, cores, judge, look, memory_gb

MEMINFO = "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:   10000000 kB\nHugePages_Total:       0\n"


@pytest.fixture
def here(tmp_path):
    """This machine, with room for everything."""
    return replace(look(tmp_path), disk_free_gb=100.0, memory_gb=64.0, memory_free_gb=32.0)


def put(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_this_machine_has_what_the_tests_need(tmp_path):
    machine = look(tmp_path)

    assert machine.libsndfile == soundfile.__libsndfile_version__
    assert all(machine.packages.values())
    assert machine.audio_problem == ""
    assert 0 < machine.memory_free_gb <= machine.memory_gb
    assert machine.cores > 0
    assert machine.folder == str(tmp_path)


def test_a_container_may_use_less_memory_than_there_is(tmp_path):
    put(tmp_path, "proc/meminfo", MEMINFO)
    assert memory_gb(tmp_path) == pytest.approx((16.384, 10.24))

    put(tmp_path, "sys/fs/cgroup/memory.max", "max\n")
    assert memory_gb(tmp_path) == pytest.approx((16.384, 10.24))

    put(tmp_path, "sys/fs/cgroup/memory.max", "4000000000\n")
    put(tmp_path, "sys/fs/cgroup/memory.current", "1000000000\n")
    assert memory_gb(tmp_path) == pytest.approx((4.0, 3.0))


def test_a_container_may_use_fewer_cores_than_there_are(tmp_path):
    every = cores(tmp_path)

    put(tmp_path, "sys/fs/cgroup/cpu.max", "max 100000\n")
    assert cores(tmp_path) == every

    put(tmp_path, "sys/fs/cgroup/cpu.max", "50000 100000\n")
    assert cores(tmp_path) == 0.5


def test_a_machine_with_room_is_fine(here):
    findings = judge(here)

    assert {one.mark for one in findings} == {"fine"}
    assert findings[0].text == (f"Disk: 100.0 GB free in {here.folder}; each checkpoint of an XTTS-v2 takes 5.3 GB.")


@pytest.mark.parametrize(
    ("change", "mark", "words"),
    [
        ({"disk_free_gb": 9.0}, "warning", "Make room, or use --out elsewhere."),
        ({"disk_free_gb": 0.1}, "broken", "Make room, or use --out elsewhere."),
        ({"memory_free_gb": 5.0}, "warning", "End other programs, or train small models."),
        ({"memory_free_gb": 0.5}, "broken", "End other programs, or train small models."),
        ({"audio_problem": "sndfile library not found"}, "broken", "Audio cannot be read: sndfile library not found."),
    ],
)
def test_what_is_short_is_told_with_what_to_do(here, change, mark, words):
    [found] = [one for one in judge(replace(here, **change)) if one.mark != "fine"]

    assert found.mark == mark
    assert words in found.text


def test_missing_packages_are_named(here):
    packages = {**here.packages, "soxr": "", "tokenizers": ""}

    assert judge(replace(here, packages=packages))[-1].text == (
        "Packages are missing: soxr, tokenizers. Install escuta anew."
    )


def test_the_size_of_a_checkpoint_is_that_of_the_documentation():
    limits = (Path(__file__).parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")

    assert f"{CHECKPOINT_GB} GB with moments in fp32" in " ".join(limits.split())

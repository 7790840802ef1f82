import torch

from escuta.sampling.memory import available_bytes, own_bytes, peak_bytes

MIB = 1 << 20


def machine(root, **files):
    """A root folder with these files; `__` in a name is a slash and a double underscore in it a dot."""
    for name, content in {"proc__meminfo": "MemTotal: 9 kB\nMemAvailable:    8192 kB\n", **files}.items():
        path = root / name.replace("__", "/").replace("DOT", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_without_a_group_it_is_the_machines(tmp_path):
    assert available_bytes(machine(tmp_path)) == 8 * MIB


def test_a_containers_limit_counts_and_files_in_its_cache_do_not(tmp_path):
    root = machine(
        tmp_path,
        sys__fs__cgroup__memoryDOTmax=f"{6 * MIB}\n",
        sys__fs__cgroup__memoryDOTcurrent=f"{5 * MIB}\n",
        sys__fs__cgroup__memoryDOTstat=f"anon 1\ninactive_file {2 * MIB}\n",
    )
    assert available_bytes(root) == 3 * MIB


def test_the_tightest_of_the_groups_above_counts(tmp_path):
    root = machine(
        tmp_path,
        proc__self__cgroup="0::/user/training\n",
        sys__fs__cgroup__memoryDOTmax="max\n",
        sys__fs__cgroup__memoryDOTcurrent=f"{5 * MIB}\n",
        sys__fs__cgroup__user__memoryDOTmax=f"{4 * MIB}\n",
        sys__fs__cgroup__user__memoryDOTcurrent=f"{3 * MIB}\n",
        sys__fs__cgroup__user__training__memoryDOTmax=f"{3 * MIB}\n",
        sys__fs__cgroup__user__training__memoryDOTcurrent=f"{1 * MIB}\n",
    )
    assert available_bytes(root) == 1 * MIB


def test_groups_of_version_1_count_too(tmp_path):
    root = machine(
        tmp_path,
        proc__self__cgroup="5:cpu:/other\n4:memory:/job\n",
        sys__fs__cgroup__memory__memoryDOTlimit_in_bytes=f"{1 << 62}\n",
        sys__fs__cgroup__memory__memoryDOTusage_in_bytes="5\n",
        sys__fs__cgroup__memory__job__memoryDOTlimit_in_bytes=f"{2 * MIB}\n",
        sys__fs__cgroup__memory__job__memoryDOTusage_in_bytes=f"{1 * MIB}\n",
    )
    assert available_bytes(root) == 1 * MIB


def test_a_group_beyond_its_limit_leaves_nothing(tmp_path):
    root = machine(tmp_path, sys__fs__cgroup__memoryDOTmax="1\n", sys__fs__cgroup__memoryDOTcurrent=f"{MIB}\n")
    assert available_bytes(root) == 0


def test_a_system_that_does_not_say_has_all_its_memory(tmp_path):
    assert available_bytes(tmp_path) > 100 * MIB
    assert own_bytes(tmp_path) == 0


def test_what_this_process_takes_grows_with_it():
    before = own_bytes()
    taken = torch.ones(16 * MIB)

    assert own_bytes() - before > 32 * MIB
    del taken


def test_the_most_that_was_taken_is_not_forgotten(tmp_path):
    ballast = bytearray(100 * MIB)
    with_ballast = own_bytes()
    del ballast

    assert peak_bytes() > with_ballast - 10 * MIB  # the system counts a little late
    assert peak_bytes(tmp_path) == 0

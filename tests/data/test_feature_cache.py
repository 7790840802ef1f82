import errno
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from escuta.data.feature_cache import STALE_SECONDS, FeatureCache, decode, default_folder, encode
from small_disk import run_on_small_disk

KEY = "ab" + "0" * 62
OTHER = "cd" + "0" * 62


def features(seed=0, num_frames=40):
    generator = torch.Generator().manual_seed(seed)
    return {
        "text": torch.arange(7),
        "codes": torch.randint(1024, (num_frames // 4,), generator=generator),
        "mel": torch.randn(80, num_frames, generator=generator),
    }


def same(one, other):
    return one is not None and one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path / "cache")


def entry(cache, key=KEY):
    return cache.folder / key[:2] / f"{key}.safetensors"


def test_what_was_kept_is_read_to_the_bit_by_every_process(cache):
    assert KEY not in cache
    assert cache.read(KEY) is None

    assert cache.write(KEY, encode(features()))

    for one in (cache, FeatureCache(cache.folder)):
        assert KEY in one
        assert same(one.read(KEY), features())
        assert OTHER not in one
    assert [path.name for path in cache.folder.rglob("*") if path.is_file()] == [f"{KEY}.safetensors"]
    assert cache.num_bytes() == entry(cache).stat().st_size > 80 * 40 * 4


def test_seven_seconds_of_speech_take_200_kb():
    assert len(encode(features(num_frames=7 * 22050 // 256 + 1))) == pytest.approx(200_000, rel=0.05)


def test_a_view_of_a_larger_tensor_is_kept_alone(cache):
    whole = torch.randn(80, 400)

    cache.write(KEY, encode({"mel": whole[:, :10].T}))

    assert torch.equal(cache.read(KEY)["mel"], whole[:, :10].T)
    assert entry(cache).stat().st_size < 5000


def test_any_bit_that_flips_is_noticed():
    content = encode(features())
    flips = random.Random(0)
    for number in range(400):
        damaged = bytearray(content)
        damaged[flips.randrange(len(content) if number % 2 else 500)] ^= 1 << flips.randrange(8)
        read = decode(bytes(damaged))
        assert read is None or same(read, features())


def test_any_length_it_is_cut_to_is_noticed(cache):
    content = encode(features())
    for length in (0, 1, 7, 8, 9, 100, len(content) // 2, len(content) - 1):
        assert decode(content[:length]) is None
    cache.write(KEY, content)
    entry(cache).write_bytes(content[:-1])
    assert KEY not in cache  # known without reading it all
    entry(cache).write_bytes(bytes(len(content)))
    assert KEY not in cache
    assert cache.read(KEY) is None


def test_a_file_of_tensors_that_is_no_entry_is_none(cache):
    cache.write(KEY, encode(features()))

    save_file(features(), entry(cache))

    assert KEY not in cache
    assert cache.read(KEY) is None


def test_what_a_folder_that_cannot_be_written_does_not_keep_stays_in_memory(tmp_path):
    (tmp_path / "file").write_text("")
    cache = FeatureCache(tmp_path / "file" / "cache")

    assert not cache.write(KEY, encode(features()))  # the first failure is to be told
    assert cache.write(OTHER, encode(features(1)))

    assert isinstance(cache.refusal, NotADirectoryError)
    assert same(cache.read(KEY), features())
    assert same(cache.read(OTHER), features(1))
    assert {KEY in cache, OTHER in cache} == {True}
    assert cache.num_bytes() == 0


ON_A_FULL_DISK = """
import sys
from pathlib import Path
import torch
from escuta.data.feature_cache import FeatureCache, encode
cache = FeatureCache(Path(sys.argv[1]))
content = [encode({"mel": torch.full((80, 100), float(n))}) for n in range(8)]
told = [cache.write(f"{n:064d}", content[n]) for n in range(8)]
read = [cache.read(f"{n:064d}")["mel"][0, 0].item() for n in range(8)]
print(told.count(False), cache.refusal.errno, read == list(range(8)), len(list(cache.folder.glob("*.partial"))))
"""


def test_when_the_disk_is_full_the_rest_stays_in_memory(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()

    finished = run_on_small_disk(disk, 140_000, sys.executable, "-c", ON_A_FULL_DISK, str(disk))

    assert finished.stdout.split() == ["1", str(errno.ENOSPC), "True", "0"], finished.stderr


def test_what_killed_processes_left_is_removed_but_not_what_is_being_written(cache):
    cache.write(KEY, encode(features()))
    old, new = cache.folder / f"{OTHER}.1.partial", cache.folder / f"{OTHER}.2.partial"
    for partial in (old, new):
        partial.write_bytes(b"half")
    before = time.time() - STALE_SECONDS - 1
    os.utime(old, (before, before))

    cache.tidy()

    assert (old.exists(), new.exists(), entry(cache).exists()) == (False, True, True)


KILLED_WHILE_WRITING = """
import sys
from pathlib import Path
import torch
from escuta.data.feature_cache import FeatureCache, encode
cache = FeatureCache(Path(sys.argv[1]))
content = encode({"mel": torch.zeros(80, 2000)})
print("begun", flush=True)
while True:
    cache.write(sys.argv[2], content)
"""


def test_a_kill_while_writing_leaves_the_entry_whole(cache):
    cache.write(KEY, encode(features()))
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_WHILE_WRITING, str(cache.folder), KEY], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout.readline() == b"begun\n"
        for _ in range(200):
            assert cache.read(KEY) is not None  # the old or the new
        writer.kill()

    assert cache.read(KEY) is not None


def test_memory_does_not_grow_with_what_is_read(cache):
    content = encode(features(num_frames=600))
    keys = [f"{number:064x}" for number in range(300)]
    for key in keys:
        cache.write(key, content)
    cache.read(keys[0])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for key in keys:
        assert cache.read(key) is not None

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # kB, of 58 000 that were read


def test_it_is_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "escuta" / "features"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path.home() / ".cache" / "escuta" / "features"

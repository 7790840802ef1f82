import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from escuta.run.publish import publish_copy, publish_text, publish_torch, publishing, remove_partials
from small_disk import run_on_small_disk

WRITE_HALF_AND_WAIT = """
import sys
from pathlib import Path
from escuta.run.publish import publishing
with publishing(Path(sys.argv[1])) as partial:
    partial.write_text("half of the n")
    print("half", flush=True)
    sys.stdin.read()
"""

FILL_THE_DISK = """
import sys
from pathlib import Path
import torch
from escuta.run.publish import publish_text, publish_torch
folder = Path(sys.argv[1])
path = folder / "content"
publish_text(path, "old")
for publish, content in [(publish_text, "x" * 10**6), (publish_torch, {f"t{n}": torch.ones(1000) for n in range(300)})]:
    try:
        publish(path, content)
    except OSError as error:
        print(error.errno, error.filename, path.read_text(), [file.name for file in folder.iterdir()])
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_with_its_folder(tmp_path):
    publish_text(tmp_path / "new" / "deep" / "page.html", "olá")

    assert (tmp_path / "new" / "deep" / "page.html").read_bytes() == "olá".encode()
    assert names(tmp_path / "new" / "deep") == ["page.html"]


def test_a_reader_sees_the_old_content_until_the_new_is_whole(tmp_path):
    path = tmp_path / "page.html"
    publish_text(path, "old")

    with publishing(path) as partial:
        partial.write_text("new")
        during = path.read_text()

    assert (during, path.read_text(), names(tmp_path)) == ("old", "new", ["page.html"])


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt, SystemExit])
def test_a_writer_that_fails_leaves_the_old_content_and_nothing_else(tmp_path, error):
    path = tmp_path / "page.html"
    publish_text(path, "old")

    def fail() -> None:
        with publishing(path) as partial:
            partial.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert (path.read_text(), names(tmp_path)) == ("old", ["page.html"])


def test_a_killed_writer_leaves_the_old_content_and_a_partial_file_that_can_be_removed(tmp_path):
    path = tmp_path / "page.html"
    publish_text(path, "old")
    with subprocess.Popen(
        [sys.executable, "-c", WRITE_HALF_AND_WAIT, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "half\n"
        writer.kill()

    assert path.read_text() == "old"
    partial, page = names(tmp_path)
    assert (page, partial.startswith("."), partial.endswith(".partial")) == ("page.html", True, True)

    remove_partials(tmp_path)
    assert names(tmp_path) == ["page.html"]


def test_only_what_was_begun_under_some_names_can_be_removed(tmp_path):
    for name in (".epoch_1.json.77.partial", ".epoch_10.json.77.partial", "epoch_1.json"):
        (tmp_path / name).touch()

    remove_partials(tmp_path, "epoch_1[._]*")

    assert names(tmp_path) == [".epoch_10.json.77.partial", "epoch_1.json"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_permissions_follow_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        publish_text(tmp_path / "page.html", "")
    finally:
        os.umask(before)

    assert (tmp_path / "page.html").stat().st_mode & 0o777 == mode


def test_a_link_to_a_file_is_replaced_and_the_file_is_left_alone(tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "page.html").symlink_to("theirs")

    publish_text(tmp_path / "page.html", "ours")

    assert (tmp_path / "theirs").read_text() == "theirs"
    assert not (tmp_path / "page.html").is_symlink()


def test_a_copy_shares_the_disk_space_of_its_source(tmp_path):
    (tmp_path / "source").write_text("content")

    publish_copy(tmp_path / "source", tmp_path / "copy")

    assert (tmp_path / "copy").samefile(tmp_path / "source")


def test_a_copy_made_twice_leaves_nothing_behind(tmp_path):
    (tmp_path / "source").write_text("content")

    for _ in range(2):
        publish_copy(tmp_path / "source", tmp_path / "copy")

    assert names(tmp_path) == ["copy", "source"]


def test_a_copy_replaces_what_was_there_and_not_its_source(tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).write_text(name)

    publish_copy(tmp_path / "old", tmp_path / "copy")
    publish_copy(tmp_path / "new", tmp_path / "copy")

    assert [(tmp_path / name).read_text() for name in ("old", "new", "copy")] == ["old", "new", "new"]


def test_a_read_only_file_can_be_copied(tmp_path):
    (tmp_path / "source").write_text("content")
    (tmp_path / "source").chmod(0o444)

    publish_copy(tmp_path / "source", tmp_path / "copy")

    assert (tmp_path / "copy").read_text() == "content"


def test_where_no_hard_link_can_be_made_the_content_is_copied(tmp_path):
    other_disk = Path("/dev/shm")
    if not other_disk.is_dir() or other_disk.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    source = other_disk / f"escuta-test-{os.getpid()}"
    source.write_text("content")
    try:
        publish_copy(source, tmp_path / "copy")
    finally:
        source.unlink()

    assert ((tmp_path / "copy").read_text(), names(tmp_path)) == ("content", ["copy"])


def test_a_copy_of_nothing_names_what_is_missing_and_leaves_nothing(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        publish_copy(tmp_path / "missing", tmp_path / "copy")

    assert str(error.value.filename) == str(tmp_path / "missing")
    assert names(tmp_path) == []


def test_tensors_are_read_back_as_plain_data(tmp_path):
    publish_torch(tmp_path / "weights.pt", {"weight": torch.arange(3), "step": 5})

    content = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert (content["weight"].tolist(), content["step"]) == ([0, 1, 2], 5)


def test_a_full_disk_is_told_as_such_and_leaves_the_old_content(tmp_path):
    finished = run_on_small_disk(tmp_path, 65536, sys.executable, "-c", FILL_THE_DISK, str(tmp_path))

    line = f"{errno.ENOSPC} {tmp_path / 'content'} old ['content']\n"
    assert (finished.stdout, finished.stderr) == (line * 2, "")

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from hub_server import COMMIT, Hub, serving

CHUNK = 10 * 1024 * 1024  # huggingface_hub writes a download to disk in pieces of this size
LARGE = bytes(range(256)) * (5 * CHUNK // 512)  # two and a half of them
FILES = {"config.json": b"{}", "model.pth": LARGE}

FETCH = """
import sys
from escuta.errors import BaseError
from escuta.models.hub import Release, fetch, on_disk
release = Release(sys.argv[1], "main", tuple(sys.argv[2].split(",")), dict(a.split("=") for a in sys.argv[3:]))
try:
    print(fetch(release))
except BaseError as error:
    print(error)
    raise SystemExit(2)
assert on_disk(release) == fetch(release)
"""


def start(hub: Hub, home: Path, *known: str, files: tuple[str, ...] = tuple(FILES)) -> subprocess.Popen[str]:
    """Fetch in a process of its own, since huggingface_hub reads its environment once."""
    environment = os.environ | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "127.0.0.1",
    }
    environment.pop("HF_HUB_OFFLINE", None)
    arguments = [sys.executable, "-c", FETCH, hub.repo, ",".join(files), *known]
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def finish(process: subprocess.Popen[str], expected_status: int = 0) -> str:
    output, _errors = process.communicate(timeout=60)
    assert process.returncode == expected_status, output
    return output.strip()


def blobs(home: Path) -> list[str]:
    return sorted(path.name for path in home.rglob("blobs/*"))


def test_files_arrive_in_the_hubs_own_cache(tmp_path):
    with serving(Hub(FILES)) as hub:
        folder = Path(finish(start(hub, tmp_path)))

    assert folder.name == COMMIT
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    assert blobs(tmp_path) == sorted(hub.hash_of(name) for name in FILES)
    assert hub.fetched == [("config.json", None), ("model.pth", None)]


def test_a_cut_connection_is_continued_where_it_was_cut(tmp_path):
    with serving(Hub(FILES, cut_after={"model.pth": 2 * CHUNK})) as hub:
        folder = Path(finish(start(hub, tmp_path)))

    assert (folder / "model.pth").read_bytes() == LARGE
    assert hub.fetched[1:] == [("model.pth", None), ("model.pth", f"bytes={2 * CHUNK}-")]


def test_a_killed_download_is_continued_by_the_next_run(tmp_path):
    with serving(Hub(FILES, hang_after={"model.pth": CHUNK + CHUNK // 2})) as hub:
        killed = start(hub, tmp_path)
        partial = tmp_path / "hub" / "models--someone--xtts-mirror" / "blobs" / f"{hub.hash_of('model.pth')}.escuta"
        deadline = time.monotonic() + 60
        while not (partial.exists() and partial.stat().st_size >= CHUNK):
            assert killed.poll() is None
            assert time.monotonic() < deadline
            os.sched_yield()
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        folder = Path(finish(start(hub, tmp_path)))

    assert (folder / "model.pth").read_bytes() == LARGE
    assert hub.fetched[1:] == [("model.pth", None), ("model.pth", f"bytes={CHUNK}-")]
    assert not partial.exists()


def test_content_that_is_not_what_the_hub_declares_is_refused_and_fetched_anew(tmp_path):
    forged = b"x" * len(LARGE)
    with serving(Hub(FILES, served_instead={"model.pth": forged})) as hub:
        message = finish(start(hub, tmp_path), expected_status=2)
        assert message.startswith("someone/xtts-mirror/model.pth: its sha256 is ")
        assert message.endswith(f"; expected {hub.hash_of('model.pth')}. It was removed: run again to fetch it anew.")
        assert blobs(tmp_path) == [hub.hash_of("config.json")]

        hub.served_instead.clear()
        finish(start(hub, tmp_path))


def test_content_that_is_not_the_released_one_is_refused_even_where_the_hub_agrees(tmp_path):
    with serving(Hub(FILES)) as hub:
        message = finish(start(hub, tmp_path, f"config.json={'0' * 64}"), expected_status=2)

    assert message.startswith("someone/xtts-mirror/config.json: its sha256 is ")
    assert blobs(tmp_path) == []


def test_a_hub_that_cannot_be_reached_is_one_line(tmp_path):
    with serving(Hub(FILES)) as closed:
        pass
    message = finish(start(closed, tmp_path), expected_status=2)

    assert message == (
        "someone/xtts-mirror: config.json could not be downloaded ([Errno 111] Connection refused). What was fetched "
        "is kept: run again when the connection works, or give --base a folder that holds the files."
    )


def test_a_file_that_the_hub_lacks_is_named(tmp_path):
    with serving(Hub({"config.json": b"{}"})) as hub:
        message = finish(start(hub, tmp_path), expected_status=2)

    assert message.startswith("someone/xtts-mirror: model.pth could not be downloaded (404")

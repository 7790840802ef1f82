import errno
import json
import os
import threading
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from urllib.request import urlopen

import pytest

from browser import CHROMIUM, browse
from escuta.errors import SettingsError
from escuta.report.server import listen_on
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from listening import TEXTS, Server, listening, make_spoken_run, speak

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
ATTACK = "<script>document.title = 'broken'</script>"
WAV = "/runs/0/samples/epoch_1_output.wav"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return make_spoken_run(tmp_path_factory.mktemp("served") / "anna", epochs=2)


@pytest.fixture(scope="module")
def server(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two runs, the second of which has an evil text."""
    other = make_spoken_run(tmp_path_factory.mktemp("served") / "bea", epochs=1, texts=(ATTACK,))
    (run.path / "secret.wav").write_bytes(b"RIFF secret")
    (run.samples / "link.wav").symlink_to(run.path / "secret.wav")
    (run.samples / "best").mkdir()
    (run.samples / "best" / "epoch_1_output.wav").write_bytes(b"RIFF secret")
    with listening(run.path, other.path) as server:
        yield server


@pytest.fixture(scope="module")
def shared(run: RunFolder) -> Iterator[Server]:
    """A server that other machines reach, if this one had others."""
    with listening(run.path, "--share", "--host", "127.0.0.1") as server:
        yield server


def next_news(stream: HTTPResponse) -> str:
    """Wait for one server-sent event."""
    while not (line := stream.readline().decode().strip()).startswith("data:"):
        assert line == ""
    return line.removeprefix("data: ")


def test_the_page_is_served_without_a_single_inline_script(server: Server) -> None:
    page = server.ask("/")
    text = page.body.decode()

    assert page.status == 200
    assert text.count("<script") == text.count("<script src=") + 1  # the data, which nothing runs
    assert '<script src="/assets/live.js"' in text
    assert json.loads(server.ask("/document.json").body)["runs"][1]["name"] == "bea"


def test_every_answer_has_the_headers_that_protect_it(server: Server) -> None:
    for path in ("/", "/document.json", "/blind/0", "/assets/live.js", WAV, "/nothing"):
        headers = server.ask(path).headers
        assert "script-src 'self';" in headers["content-security-policy"], path
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert "script-src 'self' 'unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers


def test_everything_that_the_page_asks_for_is_there(server: Server) -> None:
    for quoted in server.ask("/").body.decode().split('"'):
        if quoted.startswith(("/assets/", "/vendor/")):
            assert server.ask(quoted).status == 200, quoted


def test_a_sound_is_served_whole_and_in_parts(server: Server, run: RunFolder) -> None:
    whole = (run.samples / "epoch_1_output.wav").read_bytes()
    assert server.ask(WAV).body == whole
    assert server.ask(WAV).headers["content-type"] == "audio/wav"
    part = server.ask(WAV, headers={"Range": "bytes=100-199"})

    assert (part.status, part.body) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert server.ask(WAV, headers={"Range": "bytes=-10"}).body == whole[-10:]
    assert server.ask(WAV, headers={"Range": "bytes=99999999-"}).status == 416


def test_a_sound_that_the_browser_has_is_not_sent_again(server: Server) -> None:
    first = server.ask(WAV)
    again = server.ask(WAV, headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "private, no-cache"
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/runs/0/samples/../secret.wav",
        "/runs/0/samples/..%2fsecret.wav",
        "/runs/0/samples/..%2Fsecret.wav",
        "/runs/0/samples/%2e%2e%2fsecret.wav",
        "/runs/0/samples/%2e%2e/secret.wav",
        "/runs/0/samples/..%252fsecret.wav",
        "/runs/0/samples/..\\secret.wav",
        "/runs/0/samples/..%5csecret.wav",
        "/runs/0/samples/....//secret.wav",
        "/runs/0/samples/..;/secret.wav",
        "/runs/0/samples/%c0%ae%c0%ae%c0%afsecret.wav",
        "/runs/0/samples//secret.wav",
        "/runs/0/secret.wav",
        "/runs/0/../secret.wav",
        "/runs/0/./secret.wav",
        "/runs/0/%2e/secret.wav",
        "/runs/0/samples/link.wav",
        "/runs/0/samples/best/epoch_1_output.wav",
        "/runs/0/samples/best%2fepoch_1_output.wav",
        "/runs/0/samples/best",
        "/runs/0/samples/",
        "/runs/0/samples/epoch_1.json",
        "/runs/0/samples/epoch_1_output.wav%00",
        "/runs/0/samples/epoch_1_output.wav%00.wav",
        "/runs/0/samples/%00",
        "/runs/0/checkpoints/checkpoint_epoch_1.pt",
        "/runs/0/run.json",
        "/runs/9/samples/epoch_1_output.wav",
        "/runs/-1/samples/epoch_1_output.wav",
        "/assets/../server.py",
        "/assets/..%2fserver.py",
        "/vendor/../assets/blind.js",
        "/assets/%2fetc%2fpasswd",
        "//etc/passwd",
        "/etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_no_path_leads_to_another_file(server: Server, path: str) -> None:
    answered = server.ask(path)

    assert answered.status == 404, path
    assert answered.body == b"Not Found"


def test_an_absolute_path_leads_nowhere(server: Server, run: RunFolder) -> None:
    for path in (str(run.path / "secret.wav"), f"/runs/0/samples/{str(run.path / 'secret.wav').replace('/', '%2f')}"):
        assert server.ask(path).status == 404


def test_another_name_for_this_machine_is_refused(server: Server) -> None:
    port = server.origin.rpartition(":")[2]
    for host in (f"evil.example:{port}", "127.0.0.1", f"127.0.0.1.evil.example:{port}", ""):
        assert server.ask(WAV, headers={"Host": host}).status == 421, host
    assert server.ask(WAV, headers={"Host": f"localhost:{port}"}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ""},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": ""},
    ],
)
def test_pages_elsewhere_can_change_nothing(server: Server, run: RunFolder, headers: dict[str, str]) -> None:
    assert server.post("/blind/0/ask", {}, **headers).status == 403
    assert not run.answers.exists()


def test_other_ways_to_ask_are_refused(server: Server) -> None:
    assert server.ask("/", "PUT", {"Origin": server.origin, "Content-Type": "application/json"}).status == 405
    assert server.ask("/", "DELETE").status == 403
    assert server.ask("/", "HEAD").body == b""


def test_without_the_token_nothing_is_shared(shared: Server) -> None:
    for path in (
        "/",
        "/document.json",
        WAV,
        "/blind/0",
        "/news",
        "/assets/page.js",
        "/nothing",
        "/?token=",
        "/?token=x",
    ):
        assert shared.ask(path).status == 403, path
    assert shared.ask("/", headers={"Cookie": f"escuta_{shared.origin.rpartition(':')[2]}=wrong"}).status == 403
    assert shared.post("/blind/0/ask", {}).status == 403


def test_the_token_opens_the_page_and_leaves_the_address(shared: Server) -> None:
    welcome = shared.ask("/?token=" + shared.address.partition("=")[2])
    cookie = welcome.headers["set-cookie"]

    assert (welcome.status, welcome.headers["location"]) == (303, "/")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert shared.ask(WAV, headers={"Cookie": f'odd="; {cookie.partition(";")[0]}; other=1'}).status == 200


def test_the_token_leads_to_no_other_server(shared: Server) -> None:
    for path in ("//evil.example/", "/\\evil.example/", "/%2f%2fevil.example/"):
        location = shared.ask(f"{path}?token=" + shared.address.partition("=")[2]).headers["location"]
        assert location.startswith("/"), path
        assert not location.startswith(("//", "/\\")), path


def test_news_come_when_a_checkpoint_speaks_and_not_before(tmp_path: Path) -> None:
    run = make_spoken_run(tmp_path / "anna", epochs=1)
    with listening(run.path) as server, urlopen(server.origin + "/news", timeout=60) as stream:
        now = next_news(stream)
        assert now == json.loads(server.ask("/document.json").body)["version"]
        EventLog(run.events).write("step", {"step": 21, "loss": 3.0})
        speak(run, 2)
        assert next_news(stream) != now
        shown = json.loads(server.ask("/document.json").body)["runs"][0]["checkpoints"]
        assert shown[-1]["name"] == "epoch_2"


@needs_browser
def test_the_page_shows_what_comes_while_it_is_open(tmp_path: Path) -> None:
    run = make_spoken_run(tmp_path / "anna", epochs=1)
    with listening(run.path) as server, browse(tmp_path / "profile") as page:
        page.visit(server.address)
        page.until("document.body.innerText.includes('Epoch 1')")
        assert not page.evaluate("document.body.innerText.includes('Epoch 2')")
        page.evaluate("window.stays = true")
        threading.Thread(target=speak, args=(run, 2)).start()
        page.until("document.body.innerText.includes('Epoch 2')")

        assert page.evaluate("window.stays")  # it was not loaded anew
        assert page.happened("Log.entryAdded") == []
        assert page.happened("Runtime.exceptionThrown") == []


@needs_browser
def test_a_served_sound_plays_and_a_text_is_only_a_text(server: Server, tmp_path: Path) -> None:
    with browse(tmp_path / "profile") as page:
        page.visit(server.address)
        moved = page.evaluate(
            f"new Promise((done) => {{ const audio = new Audio('{WAV}');"
            " audio.ontimeupdate = () => audio.currentTime > 0.1 && done(audio.currentTime); audio.play(); })"
        )
        assert moved > 0.1
        assert page.until(f"document.body.innerText.includes({json.dumps(ATTACK)})")
        assert page.until(f"document.body.innerText.includes({json.dumps(TEXTS[0])})")
        assert page.evaluate("document.title") != "broken"
        assert page.happened("Log.entryAdded") == []
        assert page.happened("Runtime.exceptionThrown") == []


def test_a_run_whose_name_is_not_unicode_is_served(tmp_path: Path) -> None:
    run = make_spoken_run(tmp_path / os.fsdecode(b"jo\xe3o <b>"), epochs=-1)  # before anything was spoken
    with listening(run.path) as server:
        assert "jo?o &lt;b&gt;" in server.ask("/blind/0").body.decode()
        assert server.ask("/").status == 200
        assert json.loads(server.ask("/document.json").body)["runs"][0]["name"] == "jo\udce3o <b>"


def test_a_port_that_is_taken_is_told() -> None:
    with (
        listen_on("127.0.0.1", 0) as sock,
        pytest.raises(
            SettingsError,
            match=rf"^--host 127\.0\.0\.1 --port \d+: cannot be listened on \({os.strerror(errno.EADDRINUSE)}\)",
        ),
    ):
        listen_on("127.0.0.1", sock.getsockname()[1])

"""A server on this machine that speaks as much of the Hugging Face hub's protocol as downloading needs.

A repository's files are given as bytes. As on the hub, small ones are named by git's sha1 and served where they are
asked for; large ones (`.pth`) are named by their sha256 and served from elsewhere, by a redirect.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """One repository, what is wrong with its server, and what it was asked for."""

    files: Mapping[str, bytes]
    repo: str = "someone/xtts-mirror"
    cut_after: dict[str, int] = field(default_factory=dict)
    """Drop the connection, once, after so many bytes of this file."""
    hang_after: dict[str, int] = field(default_factory=dict)
    """Send nothing more, once, after so many bytes of this file."""
    served_instead: dict[str, bytes] = field(default_factory=dict)
    """Other bytes than those that the hash is of."""
    url: str = ""
    fetched: list[tuple[str, str | None]] = field(default_factory=list)
    """Name and Range header of every file asked for, in order."""
    closing: threading.Event = field(default_factory=threading.Event)

    def hash_of(self, name: str) -> str:
        if name.endswith(".pth"):
            return hashlib.sha256(self.files[name]).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(self.files[name]) + self.files[name]).hexdigest()


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve `hub` at its `url` for a while."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self, with_body: bool) -> None:
            place, _slash, name = self.path.lstrip("/").rpartition("/")
            if name not in hub.files or not place.startswith((f"{hub.repo}/resolve/", "elsewhere")):
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif place != "elsewhere" and name.endswith(".pth"):
                self.send_response(302)
                self.send_header("Location", f"{hub.url}/elsewhere/{name}")
                self.send_header("X-Linked-Etag", f'"{hub.hash_of(name)}"')
                self.send_header("X-Linked-Size", str(len(hub.files[name])))
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._send(name, with_body)

        def _send(self, name: str, with_body: bool) -> None:
            content, wanted = hub.served_instead.get(name, hub.files[name]), self.headers.get("Range")
            start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
            self.send_response(206 if wanted else 200)
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.send_header("ETag", f'"{hub.hash_of(name)}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if with_body:
                hub.fetched.append((name, wanted))
                self._send_body(name, content[start:])

        def _send_body(self, name: str, content: bytes) -> None:
            try:
                if name in hub.cut_after:
                    self.wfile.write(content[: hub.cut_after.pop(name)])
                    self.close_connection = True
                elif name in hub.hang_after:
                    self.wfile.write(content[: hub.hang_after.pop(name)])
                    self.wfile.flush()
                    hub.closing.wait()
                    self.close_connection = True
                else:
                    self.wfile.write(content)
            except ConnectionError:
                self.close_connection = True

    return Handler

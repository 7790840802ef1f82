"""Who may ask the server for what: this machine or who has the token, and only files of the given runs."""

import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from escuta.messages import _

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANY = {"0.0.0.0": (socket.AF_INET, "192.0.2.1"), "::": (socket.AF_INET6, "2001:db8::1")}
"""What stands for all addresses of a machine, and one that is somewhere else (RFC 5737, RFC 3849)."""
SECRET_BYTES = 24
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Where the server listens, and what it asks of visitors."""

    host: str
    """As others write it."""
    port: int
    token: str | None
    """Everybody must know it; None on a loopback address, where nobody from outside comes."""

    def page(self, path: str = "") -> str:
        """Address of a page as the browser opens it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/{path}" + (f"?token={self.token}" if self.token else "")

    @property
    def cookie(self) -> str:
        """Name of the cookie that keeps the token; cookies do not tell ports apart."""
        return f"escuta_{self.port}"

    def knows_host(self, host: str) -> bool:
        """Whether a request's Host is one of ours: a page elsewhere can give its own name our address."""
        return self.token is not None or host in {f"{name}:{self.port}" for name in ("[::1]", *LOOPBACK)}

    def knows_token(self, given: str | None) -> bool:
        """Whether a visitor has the token, where one is asked for."""
        return self.token is None or (given is not None and secrets.compare_digest(given.encode(), self.token.encode()))


def policy(nonce: str) -> str:
    """What a served page may load: its own files, and style sheets that scripts write with the nonce."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'" if nonce else "style-src 'self'",
            "img-src 'self' data:",
            "media-src 'self' blob:",  # the blind test has a pair whole before it is heard
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def new_token() -> str:
    """Draw a token that nobody guesses."""
    return secrets.token_urlsafe(SECRET_BYTES)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    return host in LOOPBACK


def seen_from_outside(host: str) -> str:
    """Under which address others reach a server that listens on `host`: of all addresses, the one that is routed."""
    if host not in ANY:
        return host
    family, elsewhere = ANY[host]
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((elsewhere, 9))  # UDP: nothing is sent
        except OSError:
            return LOOPBACK[0]
        return str(sock.getsockname()[0])


def served_file(folder: Path, name: str, endings: Sequence[str]) -> Path | None:
    """The file `name` right in `folder`; None where it is elsewhere, by whichever trick, hidden, or of another kind.

    Args:
        folder: With every symbolic link resolved.
        name: As a visitor wrote it.
        endings: Of the files that are served.
    """
    if "\0" in name or "\\" in name or name.startswith(".") or not name.endswith(tuple(endings)):
        return None
    try:
        path = (folder / name).resolve(strict=True)  # also where a symbolic link leads
        return path if path == folder / name and path.parent == folder and path.is_file() else None
    except (OSError, ValueError):
        return None


class Guard:
    """Turns away who may not ask, before anything looks at the request, and adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Content-Security-Policy", policy(""))
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._access.knows_host(host):
            return PlainTextResponse(_("This server answers under another address."), 421)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [None])[0]
        if given is not None and self._access.token is not None and self._access.knows_token(given):
            return self._welcome(scope["path"], given)
        if not self._access.knows_token(cookie_parser(headers.get("cookie", "")).get(self._access.cookie)):
            return PlainTextResponse(_("Open the whole address that `escuta listen` has shown, with its token."), 403)
        if scope["method"] not in ("GET", "HEAD") and not _is_of_our_page(headers, host):
            return PlainTextResponse(_("Only this server's own pages may do that."), 403)
        return None

    def _welcome(self, path: str, token: str) -> Response:
        """Keep the token in a cookie and take it out of the address, where others could read it."""
        answer = RedirectResponse("/" + path.lstrip("/\\"), 303)
        answer.set_cookie(self._access.cookie, token, httponly=True, samesite="lax")
        return answer


def _is_of_our_page(headers: Headers, host: str) -> bool:
    """Whether a request that changes something was sent by a script of our own page, not by a form elsewhere."""
    return (
        headers.get("origin", "").partition("://")[2] == host
        and headers.get("sec-fetch-site", "same-origin") == "same-origin"
        and headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
    )

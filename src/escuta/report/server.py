"""The page of a few runs over HTTP: live while training goes on, with the blind tests beside it."""

import asyncio
import json
import os
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from escuta.errors import EscutaError, SettingsError
from escuta.messages import _
from escuta.report.access import Access, Guard, policy, served_file
from escuta.report.blind import BlindTest
from escuta.report.blind_routes import Export, blind_routes
from escuta.report.live import LOOK_SECONDS, LiveRun
from escuta.report.page import ROOM, render
from escuta.report.texts import language, texts
from escuta.run.folder import RunFolder

ASSETS = ("assets", "vendor")
TYPES = {".wav": "audio/wav", ".png": "image/png", ".js": "text/javascript", ".css": "text/css"}
"""Of all that is served; what the system says of them differs from machine to machine."""
LAST_SECONDS = 1
"""What answers under way may still take once the server ends."""


def listen_on(host: str, port: int) -> socket.socket:
    """Bind a socket; port 0 takes one that is free.

    Raises:
        SettingsError: The address is not this machine's, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(
            _(
                "--host {host} --port {port}: cannot be listened on ({reason}); expected an address of this machine "
                "and a free port. Choose another, or leave them out."
            ).format(host=host, port=port, reason=os.strerror(error.errno) if error.errno else error)
        ) from None


def serve(app: ASGIApp, sock: socket.socket) -> None:
    """Answer requests until Ctrl-C, which raises KeyboardInterrupt once all are answered."""
    config = uvicorn.Config(
        app,
        log_level="critical",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=LAST_SECONDS,  # a page that waits for news would wait for ever
    )
    uvicorn.Server(config).run(sockets=[sock])


def make_app(runs: Sequence[RunFolder], access: Access, export: Export) -> Starlette:
    """Make the server's application.

    Args:
        runs: Whose pages it shows.
        access: Who may ask.
        export: Writes the checkpoint that somebody chose by ear.
    """
    lives = [LiveRun(run, f"/runs/{number}/") for number, run in enumerate(runs)]
    tests = [BlindTest(live.run, live.view) for live in lives]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        for test in tests:
            test.close()

    return Starlette(
        routes=[*_page_routes(lives), *_file_routes(runs), *blind_routes(tests, export)],
        middleware=[Middleware(Guard, access=access)],
        exception_handlers={EscutaError: _tell_problem, OSError: _tell_problem},
        lifespan=lifespan,
    )


def _page_routes(lives: Sequence[LiveRun]) -> list[Route]:
    start = secrets.token_hex(4)  # versions of an earlier server are others

    def version() -> str:
        return ".".join([start, *(str(live.version()) for live in lives)])

    def document() -> dict[str, Any]:
        shown = version()  # before the files are read: what comes in between is news
        runs = [live.view() for live in lives]
        blind = [f"/blind/{number}" for number in range(len(lives))]
        return {"language": language(), "texts": texts(), "runs": runs, "version": shown, "blind": blind}

    def page(_request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        text = render(document(), assets="/", scripts=["assets/live.js"], nonce=nonce)
        return HTMLResponse(text, headers={"Content-Security-Policy": policy(nonce)})

    def data(_request: Request) -> Response:
        text = json.dumps(document(), separators=(",", ":"))  # ASCII: names of folders need not be Unicode
        return Response(text, media_type="application/json")

    async def news(_request: Request) -> Response:
        async def stream() -> AsyncIterator[str]:
            told = ""
            while True:
                if (now := await run_in_threadpool(version)) != told:
                    yield f"data: {now}\n\n"
                    told = now
                await asyncio.sleep(LOOK_SECONDS)

        return StreamingResponse(stream(), media_type="text/event-stream")

    return [Route("/", page), Route("/document.json", data), Route("/news", news)]


def _file_routes(runs: Sequence[RunFolder]) -> list[Route]:
    roots = [run.path.resolve() for run in runs]
    served = {"samples": (".wav",), "pictures": (".png",)}

    def of_run(request: Request) -> Response:
        number, folder = request.path_params["number"], request.path_params["folder"]
        if number >= len(roots) or folder not in served:
            raise HTTPException(404)
        return _file(request, roots[number] / folder, served[folder])

    def asset(folder: str, request: Request) -> Response:
        return _file(request, ROOM.resolve() / folder, (".js", ".css"))

    return [
        Route("/runs/{number:int}/{folder}/{file}", of_run),
        *(Route(f"/{folder}/{{file}}", partial(asset, folder)) for folder in ASSETS),
    ]


def _file(request: Request, folder: Path, endings: Sequence[str]) -> Response:
    """Serve one file, or a part of it; a browser that has it asks whether it is still the same."""
    path = served_file(folder, request.path_params["file"], endings)
    if path is None:
        raise HTTPException(404)
    headers = {"Cache-Control": "private, no-cache"}
    response = FileResponse(path, headers=headers, media_type=TYPES[path.suffix], stat_result=path.stat())
    if request.headers.get("if-none-match") == response.headers["etag"]:
        return Response(status_code=304, headers={"ETag": response.headers["etag"]})
    return response


def _tell_problem(_request: Request, error: Exception) -> Response:
    if isinstance(error, EscutaError):
        return JSONResponse({"problem": " ".join(error.problems)}, 409)
    return JSONResponse({"problem": str(error)}, 500)

"""The blind test over HTTP: its page, pairs, sounds, answers and result. Addresses say nothing of what is heard."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from escuta.messages import _
from escuta.report.blind import BlindTest, Question
from escuta.report.ranking import Preferred
from escuta.report.texts import language
from escuta.run.folder import RunFolder

Export: TypeAlias = Callable[[RunFolder, str, Path], object]
"""Writes a checkpoint of a run, by its name as `epoch_3`, as a model folder."""

MOST_BODY_BYTES = 10_000
BodyT = TypeVar("BodyT", bound=BaseModel)


class AnswerBody(BaseModel):
    """What the page sends when somebody has chosen."""

    model_config = ConfigDict(extra="forbid")

    question: str
    preferred: Preferred
    seconds: float = Field(ge=0, allow_inf_nan=False)


class ChoiceBody(BaseModel):
    """What the page sends for a checkpoint that is to be exported."""

    model_config = ConfigDict(extra="forbid")

    name: str


def blind_routes(tests: Sequence[BlindTest], export: Export) -> list[Route]:
    """Routes below `/blind/0`, `/blind/1`, ... of `tests`."""

    def test_of(request: Request) -> BlindTest:
        number: int = request.path_params["number"]
        if number >= len(tests):
            raise HTTPException(404)
        return tests[number]

    def page(request: Request) -> Response:
        test = test_of(request)
        name = test.run.path.resolve().name.encode(errors="replace").decode()  # it need not be Unicode
        return HTMLResponse(_template().render(title=name, answers=test.num_answers(), language=language()))

    def ask(request: Request) -> Response:
        question = test_of(request).ask()
        if question is None:
            words = _("A blind test needs two checkpoints that have spoken the same sentence; there are none yet.")
            return JSONResponse({"problem": words}, 409)
        return JSONResponse({"question": question.key, "text": question.text})

    def sound(request: Request) -> Response:
        sounds = _asked(test_of(request), request.path_params["question"]).sounds
        side: int = request.path_params["side"]
        if side not in (1, 2):
            raise HTTPException(404)
        return Response(sounds[side - 1], media_type="audio/wav")

    async def answer(request: Request) -> Response:
        test, body = test_of(request), await _read(request, AnswerBody)
        await run_in_threadpool(test.answer, _asked(test, body.question), body.preferred, body.seconds)
        return JSONResponse({})

    def result(request: Request) -> Response:
        return JSONResponse(test_of(request).result())

    async def choose(request: Request) -> Response:
        test, body = test_of(request), await _read(request, ChoiceBody)
        folder = await run_in_threadpool(test.export_folder, body.name)
        if folder is None:
            raise HTTPException(404)
        if not folder.exists():
            await run_in_threadpool(export, test.run, body.name, folder)
        return JSONResponse(
            {"done": _("✅ {checkpoint} exported: {folder}").format(checkpoint=body.name, folder=folder)}
        )

    endpoints: list[tuple[str, Any, str]] = [
        ("", page, "GET"),
        ("/ask", ask, "POST"),
        ("/sound/{question}/{side:int}", sound, "GET"),
        ("/answer", answer, "POST"),
        ("/result", result, "GET"),
        ("/choose", choose, "POST"),
    ]
    return [Route("/blind/{number:int}" + path, endpoint, methods=[method]) for path, endpoint, method in endpoints]


def _asked(test: BlindTest, key: str) -> Question:
    question = test.question(key)
    if question is None:
        raise HTTPException(404)
    return question


async def _read(request: Request, body: type[BodyT]) -> BodyT:
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BODY_BYTES:
            raise HTTPException(413)
    try:
        return body.model_validate_json(content)
    except ValidationError:
        raise HTTPException(400) from None


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = _
    return environment.get_template("blind.html")

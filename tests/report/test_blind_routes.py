import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from browser import CHROMIUM, Page, browse
from escuta.report.answers import AnswerFile, read_answers
from escuta.run.folder import RunFolder
from listening import TEXTS, Server, listening, make_spoken_run

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return make_spoken_run(tmp_path_factory.mktemp("blind") / "anna", epochs=3)


@pytest.fixture(scope="module")
def server(run: RunFolder) -> Iterator[Server]:
    """A server that has shown the page of the blind test."""
    with listening(run.path, "--blind") as server:
        assert server.address.endswith("/blind/0")
        yield server


@pytest.fixture(scope="module")
def site(server: Server) -> Server:
    return Server(server.address.removesuffix("blind/0"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser; its start takes longer than a test."""
    with browse(tmp_path_factory.mktemp("profile")) as page:
        yield page


def ask(site: Server) -> dict[str, Any]:
    answered = site.post("/blind/0/ask", {})
    assert answered.status == 200, answered.body
    return json.loads(answered.body)


def answers(run: RunFolder) -> int:
    return len(read_answers(run.answers))


def test_a_question_says_nothing_of_what_is_heard(site: Server) -> None:
    question = ask(site)
    sounds = [site.ask(f"/blind/0/sound/{question['question']}/{side}") for side in (1, 2)]

    assert question.keys() == {"question", "text"}
    assert question["text"] in TEXTS
    assert re.fullmatch("[0-9a-f]{16}", question["question"])
    for sound in sounds:
        assert sound.headers["content-type"] == "audio/wav"
        assert not {"etag", "last-modified", "content-disposition"} & sound.headers.keys()
    levels = [np.sqrt(np.square(soundfile.read(io.BytesIO(sound.body))[0]).mean()) for sound in sounds]
    assert 0.6 < levels[0] / levels[1] < 1.7  # the files themselves differ by 2 to 4 times


def test_the_page_names_no_checkpoint(site: Server) -> None:
    page = site.ask("/blind/0").body.decode()

    assert "<h1>Blind test</h1>" in page
    assert not re.search("epoch", page, re.IGNORECASE)


def test_an_answer_is_stored_and_counts(site: Server, run: RunFolder) -> None:
    before = answers(run)
    question = ask(site)["question"]
    body = {"question": question, "preferred": "tie", "seconds": 2.5}

    assert site.post("/blind/0/answer", body).status == 200
    assert answers(run) == before + 1
    assert json.loads(site.ask("/blind/0/result").body)["answers"] == before + 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        {},
        {"question": "KEY", "preferred": "both", "seconds": 1},
        {"question": "KEY", "preferred": "tie"},
        {"question": "KEY", "preferred": "tie", "seconds": -1},
        b'{"question": "KEY", "preferred": "tie", "seconds": NaN}',
        {"question": "KEY", "preferred": "tie", "seconds": 1, "first": "epoch_1"},
        {"question": "0123456789abcdef", "preferred": "tie", "seconds": 1},
        b'{"question": "' + b"a" * 20_000 + b'"}',
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(site: Server, run: RunFolder, body: object) -> None:
    before, key = answers(run), ask(site)["question"]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    assert site.post("/blind/0/answer", content.replace(b"KEY", key.encode())).status in (400, 404, 413)
    assert answers(run) == before


@pytest.mark.parametrize("path", ["/blind/1", "/blind/0/sound/0123/1", "/blind/0/sound/../result", "/blind/x"])
def test_what_was_not_asked_is_not_there(site: Server, path: str) -> None:
    assert site.ask(path).status == 404


def test_a_third_sound_is_not_there(site: Server) -> None:
    assert site.ask(f"/blind/0/sound/{ask(site)['question']}/3").status == 404


@pytest.mark.parametrize("name", ["epoch_9", "../../etc", "", "epoch_1/../epoch_1"])
def test_only_checkpoints_that_have_spoken_are_exported(site: Server, run: RunFolder, name: str) -> None:
    assert site.post("/blind/0/choose", {"name": name}).status == 404
    assert not run.exports.exists()


def test_a_checkpoint_that_is_damaged_is_told_and_leaves_nothing(site: Server, run: RunFolder) -> None:
    answered = site.post("/blind/0/choose", {"name": "epoch_1"})

    assert answered.status == 409
    assert "problem" in json.loads(answered.body)
    assert not run.exports.exists() or not list(run.exports.iterdir())


def test_a_run_that_another_server_asks_about_is_told(tmp_path: Path) -> None:
    run = make_spoken_run(tmp_path / "taken", epochs=1)
    file = AnswerFile(run.answers)
    with listening(run.path) as server:
        answered = server.post("/blind/0/ask", {})
    file.close()

    assert answered.status == 409
    assert "another `escuta listen` takes answers" in json.loads(answered.body)["problem"]


def test_a_run_that_has_not_spoken_says_what_is_missing(tmp_path: Path) -> None:
    with listening(make_spoken_run(tmp_path / "young", epochs=0).path) as server:
        answered = server.post("/blind/0/ask", {})

    words = "A blind test needs two checkpoints that have spoken the same sentence; there are none yet."
    assert (answered.status, json.loads(answered.body)["problem"]) == (409, words)


def playing(page: Page, side: int) -> None:
    page.until(f"pair && !pair.audios[{side - 1}].paused && pair.audios[{side - 1}].currentTime > 0")


@needs_browser
def test_twenty_pairs_are_answered_by_keyboard_alone(server: Server, run: RunFolder, page: Page) -> None:
    before = answers(run)
    page.visit(server.address)
    page.press("Enter")
    for number in range(20):
        playing(page, 1)
        if number == 0:
            page.press("ArrowLeft")  # too early: nobody has heard the second
            assert page.evaluate("[count, document.getElementById('hint').textContent]") == [0, "Hear both first."]
        else:
            page.press("2")
        playing(page, 2)  # the first time it follows by itself
        page.press(["ArrowLeft", "ArrowRight", "=", "Enter"][number % 4])
        if number == 4:
            page.until("count === 5 && pair")
            page.press("Backspace")
            page.until("count === 4 && pair")
            page.press("=")
        page.until(f"count === {number + 1} && (pair || count === 20)")
    page.until("!document.getElementById('result').hidden")

    assert answers(run) == before + 20
    stored = read_answers(run.answers)[-20:]
    assert [one.preferred for one in stored[:5]] == ["first", "second", "tie", "second", "tie"]  # the last as corrected
    assert stored[0].seconds > 0
    assert page.evaluate("document.getElementById('verdict').textContent").startswith(f"{before + 20} answers: ")
    assert page.evaluate("document.querySelectorAll('#rows tr').length") == 4
    assert page.evaluate("document.querySelectorAll('#rows button:disabled').length") == 1  # the base model
    assert page.happened("Log.entryAdded") == []
    assert page.happened("Runtime.exceptionThrown") == []


@needs_browser
def test_a_pair_is_heard_at_once_as_it_was_fetched_ahead(server: Server, page: Page) -> None:
    page.visit(server.address)
    page.press("Enter")
    playing(page, 1)
    page.press("2")
    playing(page, 2)
    page.evaluate("queue[0].then(() => { window.ready = true; })")
    page.until("window.ready")
    page.evaluate("window.asked = []; window.fetch = (path) => { asked.push(path); return new Promise(() => {}); }")
    page.press("=")
    playing(page, 1)

    assert page.evaluate("count") == 1
    assert not [path for path in page.evaluate("asked") if "sound" in path]


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(server: Server, page: Page, scheme: str) -> None:
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.visit(server.address)
    page.evaluate(f"{AXE.read_text(encoding='utf-8')}; 0")
    for key, shown in (("", "intro"), ("Enter", "pair"), ("r", "result")):
        page.press(*filter(None, [key]))
        page.until(f"!document.getElementById('{shown}').hidden")
        found = page.evaluate(
            "axe.run().then((found) => found.violations.map((one) => [one.id, one.impact, one.nodes[0].html]))"
        )
        assert [one for one in found if one[1] in ("serious", "critical")] == [], shown


@needs_browser
def test_a_problem_is_shown_on_the_page(tmp_path: Path, page: Page) -> None:
    run = make_spoken_run(tmp_path / "young", epochs=0)
    with listening(run.path, "--blind") as server:
        page.visit(server.address)
        page.press("Enter")

        assert page.until("document.getElementById('problem').textContent").startswith("A blind test needs two")

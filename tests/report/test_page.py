import json
import os
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from browser import CHROMIUM, Page, browse
from escuta.report.page import ROOM, render, write_report
from escuta.report.view import document
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from shown import TEXTS, begin_run, end_epoch, note_sample, score, speak, start, write_facts

ATTACK = "<script>alert('x')</script><!-- & \"quotes\" {name} %s"
PROBLEMS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
SECONDS = 4.0
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to open the page in")


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCUTA_LANG", "en")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Three epochs that have spoken and were scored; the last one is the best by score."""
    run = begin_run(tmp_path / "anna")
    start(run)
    for epoch in range(4):
        name = f"epoch_{epoch}"
        end_epoch(run, epoch, 4.5 - epoch if epoch < 3 else 3.0, 4.0 - epoch or None, improved=0 < epoch < 3)
        speak(run, name, 10 * epoch, seconds=SECONDS, seeds=(0, 3) if epoch == 0 else (0,))
        errors = {"character_error_rate": 0.4 - 0.1 * epoch, "speaker_similarity": 0.5 + 0.1 * epoch}
        score(run, name, errors, heard="Seven gold sailors watch.")
    score(run, "held_out", {"character_error_rate": 0.01})
    EventLog(run.events).write("best_by_score", {"name": "epoch_3", "epoch": 3, "reason": "closest voice"})
    return run


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with browse(tmp_path / "profile") as page:
        yield page
        for problem in PROBLEMS:
            assert page.happened(problem) == []


def open_report(page: Page, run: RunFolder) -> None:
    write_report(run)
    page.open(run.report)


def content_of(text: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="run">(.*?)</script>', text, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def test_the_page_holds_all_it_needs(run: RunFolder) -> None:
    write_report(run)
    text = run.report.read_text(encoding="utf-8")
    assert content_of(text) == json.loads(json.dumps(document([run])))
    assert not re.search(r'<(script|link)[^>]+(src|href)="(?!data:,")', text)
    assert len(text) < 300_000


def test_a_served_page_names_its_files_and_their_nonce(run: RunFolder) -> None:
    text = render(document([run]), assets="/", scripts=["assets/live.js"], nonce="n0")
    addresses = re.findall(r'<script src="/([^"]+)" nonce="n0"></script>', text)
    assert addresses[-1] == "assets/live.js"
    assert "<style" not in text
    assert all((ROOM / name).is_file() for name in [*addresses, *re.findall(r'stylesheet" href="/([^"]+)"', text)])


def test_texts_cannot_become_markup(run: RunFolder, tmp_path: Path) -> None:
    write_facts(run, texts=(ATTACK,), base=ATTACK)
    text = render({**document([run]), "runs": [{**document([run])["runs"][0], "name": ATTACK}]}, assets="/")
    assert "<script>alert" not in text
    assert "<!--" not in text
    assert content_of(text)["runs"][0]["sentences"][0] == ATTACK  # type: ignore[index]


def test_a_folder_whose_name_is_not_unicode_has_a_page(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / os.fsdecode(b"jo\xe3o"))
    write_report(run)
    assert "<title>jo?o · escuta</title>" in run.report.read_text(encoding="utf-8")


def test_other_peoples_code_is_as_it_was_published() -> None:
    listed = (ROOM / "vendor" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\S+)` .* `([0-9a-f]{64})` \|$", listed, re.MULTILINE)
    assert len(rows) == 3
    assert [sha256((ROOM / "vendor" / name).read_bytes()).hexdigest() for name, _digest in rows] == [
        d for _n, d in rows
    ]


@needs_browser
def test_a_click_plays_a_sample_without_a_network(run: RunFolder, page: Page) -> None:
    open_report(page, run)
    assert page.evaluate("document.querySelectorAll('.strip .sample').length") == 6
    page.evaluate("document.querySelector('.strip [data-name=epoch_2] .sample').click()")
    page.until("escuta.deck.isPlaying() && escuta.deck.position() > 0.3")
    assert page.evaluate("escuta.deck.take().file") == "epoch_2_output.wav"
    assert page.evaluate("escuta.deck.audio().webkitAudioDecodedByteCount") > 0
    assert page.evaluate("document.querySelector('.current .cursor').style.left") != ""
    page.evaluate("document.querySelector('.strip [data-name=epoch_2] .sample').click()")
    assert not page.evaluate("escuta.deck.isPlaying()")
    addresses = {event["request"]["url"] for event in page.happened("Network.requestWillBeSent")}
    assert all(address.startswith((run.path.as_uri(), "data:")) for address in addresses)


@needs_browser
def test_a_and_b_change_at_the_same_position_without_a_gap(run: RunFolder, page: Page) -> None:
    open_report(page, run)
    page.press(" ")
    page.until("escuta.deck.position() > 1 && !escuta.deck.audio('A').paused")
    assert page.evaluate("[escuta.deck.take('A').name, escuta.deck.take('B').name]") == ["epoch_0", "epoch_3"]
    for key, heard in (("1", "A"), ("2", "B"), ("1", "A")):
        before = page.evaluate("escuta.deck.position()")
        page.press(key)
        assert page.evaluate("[escuta.deck.heard(), escuta.deck.audio('A').muted, escuta.deck.audio('B').muted]") == [
            heard,
            heard == "B",
            heard == "A",
        ]
        assert page.evaluate("escuta.deck.isPlaying()")
        assert page.evaluate("escuta.deck.position()") >= before - 0.2
    offsets = page.evaluate("escuta.deck.measured().offsets")
    assert len(offsets) == 3  # each of the three took over from a sound that ran along
    assert max(map(abs, offsets)) < 0.25
    page.press(" ")
    assert not page.evaluate("escuta.deck.isPlaying()")


@needs_browser
def test_arrows_go_from_checkpoint_to_checkpoint_at_the_same_position(run: RunFolder, page: Page) -> None:
    open_report(page, run)
    page.press(" ")
    page.until("escuta.deck.position() > 1")
    page.press("ArrowLeft")
    page.until("escuta.deck.take().name === 'epoch_2' && escuta.deck.isPlaying() && !escuta.deck.audio().muted")
    assert page.evaluate("escuta.deck.position()") >= 1
    page.press(" ", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    page.until("escuta.table.chosen().name === 'epoch_1'")
    page.evaluate("document.querySelector('.grid [tabindex=\"0\"]').focus()")
    page.press("ArrowDown", "ArrowRight")
    assert page.evaluate("document.activeElement.closest('.cell').dataset.name") == "epoch_2"
    page.press(" ")
    page.until("escuta.deck.isPlaying() && escuta.deck.take().file === 'epoch_2_output_02.wav'")


@needs_browser
def test_sounds_that_the_page_carries_are_heard(run: RunFolder, page: Page) -> None:
    content = document([run])
    kinds = {"samples": "audio/wav", "pictures": "image/png"}
    files = {
        f"{folder}/{path.name}": f"data:{kind};base64,{b64encode(path.read_bytes()).decode()}"
        for folder, kind in kinds.items()
        for path in (run.path / folder).iterdir()
    }
    alone = run.path.parent / "alone.html"
    alone.write_text(render({**content, "files": files}), encoding="utf-8")
    page.open(alone)
    page.press(" ")
    page.until("escuta.deck.position() > 0.3")
    loudest = page.evaluate("""
        (async () => {
            const context = new AudioContext();
            const meter = context.createAnalyser();
            context.createMediaElementSource(escuta.deck.audio()).connect(meter).connect(context.destination);
            const levels = new Float32Array(meter.fftSize);
            let loudest = 0;
            for (let look = 0; look < 60 && loudest < 0.01; look += 1) {
                await new Promise((next) => setTimeout(next, 50));
                meter.getFloatTimeDomainData(levels);
                loudest = Math.max(loudest, ...levels.map(Math.abs));
            }
            return loudest;
        })()
    """)
    assert loudest > 0.01


@needs_browser
def test_a_click_on_a_curve_plays_that_checkpoint(run: RunFolder, page: Page) -> None:
    open_report(page, run)
    assert page.evaluate("[...document.querySelectorAll('.chart b')].map((one) => one.textContent)") == [
        "Loss",
        "Character error rate",
        "Speaker similarity",
    ]
    page.evaluate("document.querySelector('.charts').scrollIntoView()")
    box = page.evaluate("document.querySelector('.u-over').getBoundingClientRect().toJSON()")
    place = {"x": box["x"] + box["width"] / 3, "y": box["y"] + box["height"] / 2, "button": "left", "clickCount": 1}
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, **place)
    page.until("escuta.deck.isPlaying() && escuta.deck.take().name === 'epoch_1'")


@needs_browser
def test_what_was_heard_is_shown_beside_what_was_asked(run: RunFolder, page: Page) -> None:
    open_report(page, run)
    words = "[...document.querySelectorAll('.hearing')[0].children].map((one) => [one.tagName, one.textContent])"
    assert page.evaluate(words) == [
        ["SPAN", "Heard in Epoch 3:"],
        ["SPAN", "Seven"],
        ["DEL", "old"],
        ["INS", "gold"],
        ["SPAN", "sailors watch"],
        ["DEL", "the harbour."],
    ]
    assert page.evaluate("escuta.differences('Ação, já!', 'acao ja')") == [
        ["missing", "Ação, já!"],
        ["added", "acao ja"],
    ]
    assert page.evaluate("escuta.differences('É o fim.', 'é O FIM')") == [["same", "É o fim."]]
    assert page.evaluate("escuta.differences('', 'a b')") == [["added", "a b"]]


@needs_browser
def test_better_is_said_beyond_the_noise_and_ceiling_and_noise_are_shown(run: RunFolder, page: Page) -> None:
    open_report(page, run)
    verdict = page.evaluate("document.querySelector('.verdict').textContent")
    assert verdict.startswith("★ Epoch 3 is the best by score. closest voice Better than the base beyond the noise: ")
    assert "☆ Epoch 2 has the lowest val_loss." in verdict
    row = "[...document.querySelectorAll('.numbers tbody tr')[0].children].map((one) => one.textContent)"
    assert page.evaluate(row) == ["Character error rate ↓", "41.5 %", "10.0 %", "1.0 %", "± 2.1 %", "better"]


@needs_browser
def test_a_new_view_is_taken_in_while_a_sample_plays(run: RunFolder, page: Page) -> None:
    open_report(page, run)
    page.press(" ")
    page.until("escuta.deck.position() > 0.5")
    end_epoch(run, 4, 2.0)
    speak(run, "epoch_4", 40, seconds=SECONDS)
    page.evaluate(f"escuta.update({json.dumps(document([run]))})")
    assert page.evaluate("escuta.deck.isPlaying() && escuta.deck.take().name") == "epoch_3"
    assert page.evaluate("document.querySelectorAll('.strip [data-name=epoch_4] .sample').length") == 2


@needs_browser
def test_several_runs_are_shown_side_by_side(run: RunFolder, page: Page, tmp_path: Path) -> None:
    other = begin_run(tmp_path / "bruno", texts=TEXTS[:1])
    start(other)
    for epoch in range(3):
        end_epoch(other, epoch, 4.0)
    speak(other, "epoch_0", 0, texts=TEXTS[:1])
    speak(other, "epoch_2", 20, texts=TEXTS[:1])
    views = document([run, other])
    for view in views["runs"]:
        view["samples"], view["pictures"] = f"{view['name']}/samples/", f"{view['name']}/pictures/"
    both = tmp_path / "both.html"
    both.write_text(render(views), encoding="utf-8")
    page.open(both)
    assert page.evaluate("[...document.querySelectorAll('h1')].map((one) => one.textContent)") == ["anna", "bruno"]
    assert page.evaluate("[...document.querySelectorAll('.row .run')].map((one) => one.textContent)") == [
        "anna",
        "bruno",
        "anna",
    ]
    gaps = "[...document.querySelectorAll('.row')[1].querySelectorAll('.strip .gap')].map((one) => one.textContent)"
    assert page.evaluate(gaps) == ["Was not asked to speak.", "Not in this run."]
    page.evaluate("document.querySelectorAll('.row')[1].querySelector('.strip .sample').click()")
    page.until("escuta.deck.isPlaying()")
    assert page.evaluate("escuta.deck.take().title") == "bruno · Epoch 2"
    assert page.evaluate("escuta.deck.audio().src").endswith("/bruno/samples/epoch_2_output.wav")


@needs_browser
def test_a_text_that_looks_like_markup_is_shown_and_not_run(run: RunFolder, page: Page) -> None:
    write_facts(run, texts=(ATTACK,), base=ATTACK)
    note_sample(run, "epoch_9", 90, "failed", ATTACK)
    speak(run, "epoch_3", 30, texts=(ATTACK,), seconds=SECONDS)
    score(run, "epoch_3", {"character_error_rate": 1.0}, heard=ATTACK + " <img src=x onerror=alert(1)>")
    open_report(page, run)
    assert page.evaluate("document.querySelector('.text').textContent") == "1" + ATTACK
    assert page.evaluate("document.body.textContent").count(ATTACK) > 3
    assert page.evaluate("document.querySelectorAll('body img, main script').length") == 0
    assert page.happened("Page.javascriptDialogOpening") == []


@needs_browser
def test_a_run_that_was_just_begun_is_shown(page: Page, tmp_path: Path) -> None:
    run = begin_run(tmp_path / "new")
    open_report(page, run)
    words = page.evaluate("document.body.innerText")
    assert "No loss is known yet." in words
    assert "Nothing was spoken yet." in words
    assert "Training has not begun." in words


@needs_browser
def test_of_a_long_run_only_what_is_in_sight_exists(run: RunFolder, page: Page) -> None:
    content = document([run])
    view = content["runs"][0]
    one = view["checkpoints"][3]
    texts = [f"Sentence {number}." for number in range(8)]
    heard = "Seven gold sailors watch the harbour and count waves."
    takes = [{**one["takes"][0], "sentence": number, "heard": heard} for number in range(8)]
    epochs = [
        {**one, "name": f"epoch_{n}", "title": f"Epoch {n}", "epoch": n, "step": 10 * n, "takes": takes}
        for n in range(1, 1001)
    ]
    view |= {"sentences": texts, "checkpoints": [view["checkpoints"][0], *epochs]}
    run.report.write_text(render(content), encoding="utf-8")
    assert run.report.stat().st_size < 3_000_000
    page.open(run.report)
    assert 8 < page.evaluate("document.querySelectorAll('.cell').length") < 200
    page.evaluate("document.querySelector('.grid [tabindex=\"0\"]').focus()")
    page.press("End")
    page.until("document.activeElement.closest('.cell')?.dataset.name === 'epoch_1000'")
    assert page.evaluate("document.querySelectorAll('.cell').length") < 200
    assert page.evaluate("document.querySelector('.timeline input').getAttribute('aria-valuetext')") == "Epoch 1000"


@needs_browser
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_axe_finds_no_serious_fault(run: RunFolder, page: Page, width: int, scheme: str) -> None:
    (run.samples / "epoch_2.json").unlink()
    open_report(page, run)
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.evaluate(f"{(Path(__file__).parents[1] / 'vendor' / 'axe.min.js').read_text(encoding='utf-8')}; 0")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    faults = page.evaluate(
        "axe.run().then((found) => found.violations.map((one) => [one.id, one.impact, one.nodes[0].html]))"
    )
    assert [fault for fault in faults if fault[1] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width

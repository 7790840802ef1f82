import json
import os
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import soundfile

from browser import CHROMIUM, browse
from escuta.report.page import write_report
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from sounds import speechlike

TEXTS = ("Seven old sailors watch the harbour.", "O pão está fresquinho.")
WEIGHTS = "3fa2b1c94e0d" + "0" * 52


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCUTA_LANG", "en")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that was just begun."""
    run = RunFolder(tmp_path / "anna")
    run.samples.mkdir(parents=True)
    run.checkpoints.mkdir()
    write_facts(run)
    return run


def write_facts(
    run: RunFolder, *, texts: tuple[str, ...] = TEXTS, base: str = "XTTS-v2", kind: str = "xtts-v2"
) -> None:
    run.write_facts(
        {
            "escuta": "0.1.0",
            "started": "2026-01-02 03:04:05 +0000",
            "language": "pt",
            "base": {"title": base, "kind": kind, "folder": "/models/base", "fingerprint": "f00"},
            "dataset": {"clips": 57, "held_out": ["audio_00003"], "minutes": 8.23, "fingerprint": "f01"},
            "sentences": [{"text": text, "source": "audio_00003"} for text in texts],
            "reference": "/data/wavs/audio_00042.flac",
        }
    )


def start(run: RunFolder, *, epoch: int = 0, device: str = "cuda:0") -> None:
    EventLog(run.events).write("start", {"epoch": epoch, "step": 10 * epoch, "device": device})


def end_epoch(
    run: RunFolder, epoch: int, val_loss: float, train_loss: float | None = None, *, improved: bool = False
) -> None:
    """Note an epoch and, but for the base model, write its checkpoint."""
    log = EventLog(run.events)
    place = {"epoch": epoch, "step": 10 * epoch}
    log.write("epoch", {**place, "train_loss": train_loss, "val_loss": val_loss, "improved": improved, "seconds": 9.0})
    if epoch:
        file = run.epoch_checkpoint(epoch)
        file.touch()
        log.write("checkpoint", {"file": file.name, **place, "best": improved, "stall_seconds": 0.5})


def ask(run: RunFolder, name: str, step: int) -> None:
    EventLog(run.events).write("sample_asked", {"name": name, "epoch": 1, "step": step, "stall_seconds": 0.25})


def note_sample(run: RunFolder, name: str, step: int, status: str, reason: str = "") -> None:
    result = {"name": name, "epoch": 1, "step": step, "status": status, "mode": "background", "reason": reason}
    EventLog(run.events).write("sample", {**result, "seconds": 7.5, "files": [], "best": False})


def speak(run: RunFolder, name: str, step: int, *, texts: tuple[str, ...] = TEXTS, stop: str = "ended") -> Path:
    """Write the files of a sample; return its JSON."""
    sentences = []
    for number, text in enumerate(texts, 1):
        file = f"{name}_output.wav" if number == 1 else f"{name}_output_{number:02d}.wav"
        soundfile.write(run.samples / file, speechlike(0.5 * number), 22050, subtype="PCM_16")
        about = {"file": file, "text": text, "audio_seconds": 0.5 * number, "stop": stop}
        sentences.append({**about, "num_codes": 11, "num_pieces": 1})
    reference = f"{name}_reference.wav"
    soundfile.write(run.samples / reference, speechlike(1.5), 22050, subtype="PCM_16")
    record = run.samples / f"{name}.json"
    about = {"name": name, "epoch": 1, "step": step, "weights": WEIGHTS, "reference": reference, "scores": {}}
    record.write_text(json.dumps({**about, "sentences": sentences}), encoding="utf-8")
    note_sample(run, name, step, "spoken")
    return record


class Table(HTMLParser):
    """The rows of a page, each a list of its cells' words; a player is `<its address>`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
        elif tag == "audio" and self.rows:
            self.handle_data(f"<{dict(attrs)['src']}>")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] = " ".join([*self.rows[-1][-1].split(), *data.split()])

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.rows = [*self.rows, []]  # what follows belongs to no cell


def page_of(run: RunFolder) -> str:
    write_report(run)
    return run.report.read_text(encoding="utf-8")


def rows_of(run: RunFolder) -> list[list[str]]:
    """The checkpoints on the page of `run`."""
    return [row for row in Table(page_of(run)).rows[1:] if row]


def words_of(run: RunFolder) -> str:
    """The page of `run` as a person reads it."""
    body = page_of(run).partition("<body>")[2].partition("<script>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_a_run_that_was_just_begun_has_a_page(run: RunFolder) -> None:
    words = words_of(run)
    assert words.startswith("anna XTTS-v2 pt 57 clips, 8.2 min escuta 0.1.0 No loss is known yet.")
    assert "It is copied with the first sample." in words
    assert "There is none yet." in words
    assert "Training has not begun." in words
    assert "escuta sample" not in words


def test_a_folder_without_anything_has_a_page(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "empty")
    assert words_of(run).startswith("empty No loss is known yet.")


def test_a_folder_whose_name_is_not_unicode_has_a_page(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / os.fsdecode(b"jo\xe3o"))
    assert words_of(run).startswith("jo?o No loss is known yet.")


def test_every_checkpoint_is_a_row_with_its_losses_and_players(run: RunFolder) -> None:
    start(run)
    end_epoch(run, 0, 4.5)
    speak(run, "epoch_0", 0)
    end_epoch(run, 1, 3.25, 3.5, improved=True)
    speak(run, "epoch_1", 10)
    header, *rows = Table(page_of(run)).rows[:3]
    assert header == ["checkpoint", "val_loss", "train_loss", f"1 {TEXTS[0]}", f"2 {TEXTS[1]}"]
    assert rows[0] == [
        "Base model weights 3fa2b1c9",
        "val_loss 4.5000",
        "train_loss –",
        "1 <samples/epoch_0_output.wav> 0.5 s",
        "2 <samples/epoch_0_output_02.wav> 1.0 s",
    ]
    assert rows[1][:3] == ["Epoch 1 ★ best step 10 weights 3fa2b1c9", "val_loss 3.2500", "train_loss 3.5000"]
    assert f'title="{WEIGHTS}"' in page_of(run)


def test_the_reference_is_played_and_named(run: RunFolder) -> None:
    speak(run, "epoch_0", 0)
    assert '<audio controls preload="none" src="samples/epoch_0_reference.wav"' in page_of(run)
    assert "The voice that is cloned: audio_00042.flac" in words_of(run)


def test_epochs_and_steps_are_in_the_order_of_training(run: RunFolder) -> None:
    start(run)
    for epoch in (10, 2, 1, 0):
        end_epoch(run, epoch, 3.0)
    speak(run, "step_5", 5)
    speak(run, "step_15", 15)
    titles = [row[0].removesuffix(" weights 3fa2b1c9") for row in rows_of(run)]
    assert titles == ["Base model", "Step 5", "Epoch 1 step 10", "Step 15", "Epoch 2 step 20", "Epoch 10 step 100"]


def test_samples_that_were_not_made_say_why(run: RunFolder) -> None:
    start(run)
    for epoch in range(5):
        end_epoch(run, epoch, 3.0)
    note_sample(run, "epoch_1", 10, "failed", "it died (out of memory)")
    note_sample(run, "epoch_2", 20, "skipped", "newer checkpoints were waiting")
    ask(run, "epoch_3", 30)
    assert [row[-1] for row in rows_of(run)[1:]] == [
        "Failed: it died (out of memory)",
        "Skipped: newer checkpoints were waiting",
        "Not spoken yet.",
        "Was not asked to speak.",
    ]


def test_missing_samples_come_with_the_command_that_makes_them(run: RunFolder) -> None:
    end_epoch(run, 1, 3.0)
    assert f"escuta sample {run.path} --missing" in words_of(run)
    speak(run, "epoch_0", 0)
    speak(run, "epoch_1", 10)
    assert "--missing" not in words_of(run)


def test_a_sample_made_later_takes_the_place_of_its_failure(run: RunFolder) -> None:
    end_epoch(run, 1, 3.0)
    note_sample(run, "epoch_1", 10, "failed", "it died")
    speak(run, "epoch_1", 10)
    note_sample(run, "epoch_1", 10, "failed", "it died")
    assert rows_of(run)[0][-1] == "2 <samples/epoch_1_output_02.wav> 1.0 s"


def test_files_of_a_sample_that_are_missing_or_damaged_are_gaps(run: RunFolder) -> None:
    start(run)
    speak(run, "epoch_1", 10).unlink()
    speak(run, "epoch_2", 20).write_text('{"name": "epoch_2", "sent')
    speak(run, "epoch_3", 30).write_text('{"step": 30, "weights": 7, "sentences": null}')
    speak(run, "epoch_4", 40)
    (run.samples / "epoch_4_output.wav").unlink()
    speak(run, "epoch_5", 50, texts=TEXTS[1:])
    rows = rows_of(run)
    assert [row[3] for row in rows] == [
        "epoch_1.json is missing.",
        "epoch_2.json is damaged; remove it to have the sample made again.",
        "epoch_3.json is damaged; remove it to have the sample made again.",
        "1 epoch_4_output.wav is missing.",
        "1 not spoken",
    ]
    assert rows[3][4] == "2 <samples/epoch_4_output_02.wav> 1.0 s"


def test_a_sentence_cut_at_the_limit_says_so(run: RunFolder) -> None:
    speak(run, "epoch_1", 10, stop="limit")
    assert rows_of(run)[0][3].endswith(" s · cut at the limit")


def test_a_torn_last_event_is_passed_over(run: RunFolder) -> None:
    start(run)
    end_epoch(run, 1, 3.0, improved=True)
    with run.events.open("ab") as file:
        file.write(b'{"event": "epoch", "epoch": 2, "val_lo')
    assert [row[1] for row in rows_of(run)] == ["val_loss 3.0000"]


def test_a_resumed_run_shows_what_was_done_last(run: RunFolder) -> None:
    start(run, device="cpu")
    end_epoch(run, 1, 3.5, improved=True)
    end_epoch(run, 2, 3.25, improved=True)
    start(run, epoch=1, device="cuda:1")
    end_epoch(run, 2, 3.75)
    rows = rows_of(run)
    assert [row[1] for row in rows] == ["val_loss 3.5000", "val_loss 3.7500"]
    assert rows[0][0] == "Epoch 1 ★ best step 10"
    assert rows[1][0] == "Epoch 2 step 20"
    assert "cuda:1 started " in words_of(run)


def test_a_random_base_is_told_loudly(run: RunFolder) -> None:
    warning = "The base model is random and knows no language: what it says is noise."
    assert warning not in words_of(run)
    write_facts(run, kind="random")
    assert warning in words_of(run)


def test_a_mode_that_did_not_work_is_told(run: RunFolder) -> None:
    start(run)
    EventLog(run.events).write("fallback", {"from": "inline", "to": "background", "reason": "0.2 GB are free"})
    assert "Samples: mode inline did not work (0.2 GB are free); background took over." in words_of(run)


def test_the_end_says_how_much_training_was_held_up(run: RunFolder) -> None:
    begun = [
        {"event": "start", "time": 1000.0, "epoch": 0, "step": 0, "device": "cpu"},
        {"event": "checkpoint", "time": 1030.0, "file": "checkpoint_epoch_1.pt", "step": 10, "stall_seconds": 0.5},
        {"event": "sample_asked", "time": 1040.0, "name": "epoch_1", "step": 10, "stall_seconds": 0.1},
    ]
    run.events.write_text("".join(f"{json.dumps(event)}\n" for event in begun))
    words = words_of(run)
    assert "Training was going on when this page was written" in words
    assert "Checkpoints and samples held training up for 0.6 s of 40.0 s (1.5%)." in words
    end = {"epoch": 1, "step": 10, "seconds": 60.0, "stall_seconds": 1.5}
    EventLog(run.events).write("interrupted", end)
    assert "Training was interrupted; continue it with --resume." in words_of(run)
    start(run, epoch=1)
    EventLog(run.events).write("finished", end)
    expected = "Training is finished. Checkpoints and samples held training up for 3.0 s of 2.0 min (2.5%)."
    assert expected in words_of(run)


def test_texts_cannot_become_markup(run: RunFolder, tmp_path: Path) -> None:
    attack = "<script>alert('x')</script> & \"quotes\" {name} %s"
    run = RunFolder(run.path.rename(tmp_path / "<b>run"))
    write_facts(run, texts=(attack,), base=attack)
    start(run, device=attack)
    end_epoch(run, 1, 3.0)
    note_sample(run, "epoch_1", 10, "failed", attack)
    speak(run, "epoch_2", 20, texts=(attack,))
    page = page_of(run)
    assert page.count("<script") == 1
    assert "<b>run" not in page
    assert words_of(run).count(attack) == 4  # base, device, the column, the reason


def test_only_files_in_samples_are_linked(run: RunFolder) -> None:
    (run.path / "secret.wav").touch()
    record = speak(run, "epoch_1", 10)
    record.write_text(record.read_text().replace("epoch_1_output.wav", "../secret.wav"))
    assert rows_of(run)[0][3] == "1 ../secret.wav is missing."
    (run.samples / "100% #1.wav").touch()
    record.write_text(record.read_text().replace("../secret.wav", "100% #1.wav"))
    assert "<samples/100%25%20%231.wav>" in rows_of(run)[0][3]


def test_a_damaged_run_json_leaves_the_samples(run: RunFolder) -> None:
    speak(run, "epoch_1", 10)
    speak(run, "epoch_0", 0).write_text("{")
    run.facts.write_text("[1, 2")
    header, base, row = Table(page_of(run)).rows[:3]
    assert header[3:] == [f"1 {TEXTS[0]}", f"2 {TEXTS[1]}"]
    assert base[0] == "Base model"
    assert "<samples/epoch_1_output.wav>" in row[3]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to open the page in")
def test_a_browser_opens_the_page_and_plays_it_without_a_network(run: RunFolder, tmp_path: Path) -> None:
    start(run)
    write_facts(run, texts=(*TEXTS, "L" + "o" * 200 + "ng."))
    end_epoch(run, 0, 4.5)
    speak(run, "epoch_0", 0)
    write_report(run)
    with browse(tmp_path / "profile") as page:
        page.open(run.report)
        durations = page.evaluate("""
            Promise.all([...document.querySelectorAll("audio")].map((audio) => new Promise((heard) => {
                audio.onloadedmetadata = () => heard(audio.duration);
                audio.onerror = () => heard(audio.error.message);
                audio.preload = "metadata";
                audio.load();
            })))
        """)
        assert durations == [1.5, 0.5, 1.0]  # the reference, then both sentences
        stopped = page.evaluate("""
            (async () => {
                const [first, second] = document.querySelectorAll("audio");
                const paused = new Promise((done) => { first.onpause = done; });
                await first.play();
                await second.play();
                await paused;
                return first.paused && first.currentTime === 0;
            })()
        """)
        assert stopped
        page.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        addresses = {event["request"]["url"] for event in page.happened("Network.requestWillBeSent")}
        assert run.report.as_uri() in addresses
        assert all(address.startswith((run.path.as_uri(), "data:")) for address in addresses)
        for problem in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            assert page.happened(problem) == []

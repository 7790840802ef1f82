import json
import math
import subprocess
import sys
import time

import pytest

from escuta.run.events import EventLog, read_events
from small_disk import run_on_small_disk

WRITE_MANY = """
import sys
from pathlib import Path
from escuta.run.events import EventLog
log = EventLog(Path(sys.argv[1]))
for number in range(1500):
    log.write("step", {"step": number, "words": "ç" * (number % 300)})
log.write("finished", {})
"""


def strict(line: bytes) -> dict[str, object]:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    content: dict[str, object] = json.loads(line, parse_constant=refuse)
    return content


def test_events_are_read_in_the_order_they_were_written(tmp_path):
    before = time.time()
    log = EventLog(tmp_path / "events.jsonl")
    log.write("step", {"step": 1, "loss": 2.5})
    log.write("checkpoint", {"file": "época.pt", "best": True})

    first, second = read_events(tmp_path / "events.jsonl")

    assert before - 0.001 <= first.pop("time") <= second.pop("time") <= time.time() + 0.001
    assert first == {"event": "step", "step": 1, "loss": 2.5}
    assert second == {"event": "checkpoint", "file": "época.pt", "best": True}
    assert "época" in (tmp_path / "events.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_say_becomes_null(tmp_path, value):
    EventLog(tmp_path / "events.jsonl").write("step", {"loss": value, "step": 3})

    event = strict((tmp_path / "events.jsonl").read_bytes())

    assert (event["loss"], event["step"]) == (None, 3)


def test_no_file_holds_no_events(tmp_path):
    assert list(read_events(tmp_path / "events.jsonl")) == []


@pytest.mark.parametrize(
    "torn", [b'{"event": "step", "st', b'{"event": "step", "step": 2}', b'{"event": "\xc3', b"\0" * 9]
)
def test_of_a_torn_last_line_nothing_else_is_lost(tmp_path, torn):
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.write("step", {"step": 1})
    with path.open("ab") as file:
        file.write(torn)
    whole = [2] if torn.endswith(b"}") else []

    assert [event["step"] for event in read_events(path)] == [1, *whole]

    log.write("step", {"step": 3})
    assert [event["step"] for event in read_events(path)] == [1, *whole, 3]


def test_lines_that_are_no_events_are_passed_over(tmp_path):
    (tmp_path / "events.jsonl").write_text('[1]\n\n"text"\n{"event": "start"}\n')

    assert list(read_events(tmp_path / "events.jsonl")) == [{"event": "start"}]


def test_a_reader_meets_whole_events_alone_while_another_process_writes(tmp_path):
    path = tmp_path / "events.jsonl"
    numbers: list[int] = []
    num_reads = 0
    with subprocess.Popen([sys.executable, "-c", WRITE_MANY, path]) as writer:
        while writer.poll() is None:
            now = [event["step"] for event in read_events(path) if event["event"] == "step"]
            assert now[: len(numbers)] == numbers
            numbers = now
            num_reads += 1

    *steps, last = read_events(path)
    assert writer.returncode == 0
    assert num_reads > 1
    assert [event["step"] for event in steps] == list(range(1500))
    assert last["event"] == "finished"


def test_who_listens_hears_what_was_written(tmp_path):
    heard = []

    EventLog(tmp_path / "events.jsonl", heard.append).write("step", {"step": 1, "loss": math.nan})

    (written,) = read_events(tmp_path / "events.jsonl")
    assert heard == [written]
    assert written["loss"] is None


def test_events_of_a_full_disk_wait_in_memory(tmp_path):
    script = """
import os, sys
from pathlib import Path
from escuta.run.events import EventLog, read_events
folder = Path(sys.argv[1])
events = EventLog(folder / "events.jsonl")
events.write("start", {})
with (folder / "filler").open("wb", buffering=0) as filler:
    try:
        while filler.write(bytes(4096)): pass
    except OSError: pass
for step in range(200):
    events.write("step", {"step": step, "words": "x" * 100})
assert len(list(read_events(folder / "events.jsonl"))) < 200
(folder / "filler").unlink()
events.write("finished", {})
found = [event.get("step", event["event"]) for event in read_events(folder / "events.jsonl")]
print(found == ["start", *range(200), "finished"])
"""
    done = run_on_small_disk(tmp_path, 1 << 20, sys.executable, "-c", script, str(tmp_path))

    assert (done.stdout, done.stderr) == ("True\n", "")

"""docs/run-folder.md and its translation tell every file and field that a training leaves."""

import json
import re
from pathlib import Path

import pytest
import torch

from escuta.cli.main import main
from escuta.report.answers import Answer
from escuta.run.events import read_events
from escuta.run.folder import RunFolder
from runs import make_quick_base
from sounds import make_dataset

DOCS = Path(__file__).parents[2] / "docs"

both_languages = pytest.mark.parametrize("page", [DOCS / "run-folder.md", DOCS / "pt-BR" / "run-folder.md"])


@pytest.fixture(scope="module")
def run(random_base, tmp_path_factory):
    """A run with checkpoints within its epochs, some of them removed again."""
    folder = tmp_path_factory.mktemp("documented")
    dataset = make_dataset(folder / "voice", 6, seconds=(1.0,))
    base = make_quick_base(folder / "base", random_base)
    run = RunFolder(folder / "run")
    settings = {
        "training.epochs": 2,
        "training.keep_last": 1,
        "sampling.every_n_steps": 1,
        "sampling.mode": '"inline"',
        "scores.enabled": "true",
    }
    with pytest.raises(SystemExit, match="0"):
        main(
            [
                *("train", str(dataset), "--out", str(run.path), "--base", str(base), "--language", "en"),
                *(word for name, value in settings.items() for word in ("--set", f"{name}={value}")),
            ]
        )
    return run


def section(page: Path, heading: str) -> str:
    """What stands under a heading that ends so."""
    text = page.read_text("utf-8")
    return re.split(
        r"^## ", re.split(rf"^## .*{re.escape(heading)}\n", text, flags=re.MULTILINE)[1], flags=re.MULTILINE
    )[0]


def table(page: Path, heading: str) -> dict[str, set[str]]:
    """Every name in the first column of a section's table, with all names of its row."""
    rows = [line for line in section(page, heading).splitlines() if line.startswith("| `")]
    return {name: names(row) for row in rows for name in names(row.split("|")[1])}


def names(text: str) -> set[str]:
    return set(re.findall(r"`([a-z_0-9]+)`", text))


def assert_told(content: dict, page: Path, heading: str) -> None:
    told = table(page, heading)
    assert set(told) == set(content)
    for name, value in content.items():
        parts = value[0] if isinstance(value, list) and value else value
        if isinstance(parts, dict) and not name.endswith("_state_dict"):
            assert set(parts) <= told[name], name


@both_languages
def test_every_field_of_run_json_is_told(run, page):
    assert_told(run.read_facts(), page, "run.json")


@both_languages
def test_every_field_of_a_sample_is_told(run, page):
    assert_told(json.loads((run.samples / "epoch_1.json").read_text("utf-8")), page, "samples/epoch_N.json")


@both_languages
def test_every_field_of_an_answer_is_told(page):
    assert set(table(page, "blind.jsonl")) == {"time", *Answer.model_fields}


@both_languages
def test_every_field_of_the_scores_is_told(run, page):
    told = table(page, "samples/epoch_N.scores.json")
    content = json.loads((run.samples / "epoch_1.scores.json").read_text("utf-8"))
    assert set(told) == set(content)
    assert set(content["files"][0]) <= told["files"]


@both_languages
def test_every_key_of_a_checkpoint_is_told(run, page):
    assert_told(torch.load(run.best_checkpoint, weights_only=True), page, "Checkpoints")


@both_languages
def test_every_event_and_its_fields_are_told(run, page):
    told = table(page, "events.jsonl")
    everywhere = names(section(page, "events.jsonl").partition("|")[0])
    happened = set()
    for event in read_events(run.events):
        happened.add(event["event"])
        assert set(event) <= told[event["event"]] | everywhere, event
    assert happened >= {
        "start",
        "step",
        "epoch",
        "checkpoint",
        "checkpoint_removed",
        "sample_asked",
        "sample",
        "finished",
    }


@both_languages
def test_every_file_is_told(run, page):
    tree = page.read_text("utf-8").split("```")[1]
    for path in run.path.rglob("*"):
        kind = re.sub(r"_\d+\.pt", "_N.pt", re.sub(r"tfevents\.\d+", "tfevents.N", path.name))
        kind = re.sub(r"^(epoch|step)_\d+", "epoch_N", re.sub(r"seed_\d", "seed_1", kind))
        assert kind in tree, path

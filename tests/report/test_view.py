import json
import os
from pathlib import Path
from typing import Any

import pytest

from escuta.report.view import document, view
from escuta.run.events import EventLog
from escuta.run.folder import RunFolder
from shown import TEXTS, WEIGHTS, ask, begin_run, end_epoch, note_sample, score, speak, start, write_facts


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCUTA_LANG", "en")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return begin_run(tmp_path / "anna")


def checkpoints(run: RunFolder) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in view(run)["checkpoints"]}


def gaps(run: RunFolder) -> list[str]:
    return [one["gap"] for one in view(run)["checkpoints"]]


def test_a_run_that_was_just_begun_has_a_view(run: RunFolder) -> None:
    shown = view(run)
    assert shown["name"] == "anna"
    assert shown["facts"] == ["XTTS-v2", "pt", "57 clips, 8.2 min", "escuta 0.1.0"]
    assert shown["sentences"] == list(TEXTS)
    assert (shown["checkpoints"], shown["reference"], shown["command"]) == ([], None, "")


@pytest.mark.parametrize("name", ["empty", os.fsdecode(b"jo\xe3o")])
def test_a_folder_without_anything_has_a_view(tmp_path: Path, name: str) -> None:
    shown = view(RunFolder(tmp_path / name))
    assert (shown["name"], shown["facts"], shown["scores"]) == (name, [], [])


def test_a_view_is_json(run: RunFolder) -> None:
    start(run)
    end_epoch(run, 0, float("nan"))
    speak(run, "epoch_0", 0)
    score(run, "epoch_0", {"naturalness": float("nan"), "loudness": -23.04567})
    (shown,) = json.loads(json.dumps(document([run]), allow_nan=False))["runs"]
    assert [(one["name"], one["ceiling"], one["spread"]) for one in shown["scores"]] == [("loudness", None, None)]
    assert shown["checkpoints"][0]["means"] == [-23.05]


def test_every_checkpoint_is_there_with_its_losses_and_takes(run: RunFolder) -> None:
    start(run)
    end_epoch(run, 0, 4.5)
    speak(run, "epoch_0", 0)
    end_epoch(run, 1, 3.25, 3.5, improved=True)
    speak(run, "epoch_1", 10)
    base, first = view(run)["checkpoints"]
    assert (base["title"], base["train_loss"], base["val_loss"], base["step"]) == ("Base model", None, 4.5, 0)
    assert (first["title"], first["train_loss"], first["val_loss"], first["step"]) == ("Epoch 1", 3.5, 3.25, 10)
    assert [(take["sentence"], take["file"], take["seconds"]) for take in first["takes"]] == [
        (0, "epoch_1_output.wav", 0.5),
        (1, "epoch_1_output_02.wav", 1.0),
    ]
    assert first["weights"] == WEIGHTS[:8]
    assert view(run)["best"] == {"val_loss": "epoch_1", "score": "", "reason": ""}


def test_the_pictures_of_a_sample_are_there_once_it_is_viewed(run: RunFolder) -> None:
    speak(run, "epoch_1", 10)
    shown = checkpoints(run)["epoch_1"]
    assert (run.pictures / shown["picture"]).read_bytes().startswith(b"\x89PNG")
    assert all(len(take["peaks"]) == 100 for take in shown["takes"])
    reference = view(run)["reference"]
    assert (reference["name"], reference["file"], reference["seconds"]) == (
        "audio_00042.flac",
        "epoch_1_reference.wav",
        1.5,
    )
    assert (run.pictures / reference["picture"]).exists()


def test_epochs_and_steps_are_in_the_order_of_training(run: RunFolder) -> None:
    start(run)
    for epoch in (10, 2, 1, 0):
        end_epoch(run, epoch, 3.0)
    speak(run, "step_5", 5)
    speak(run, "step_15", 15)
    shown = [(one["title"], one["epoch"], one["step"]) for one in view(run)["checkpoints"]]
    assert shown == [
        ("Base model", 0, 0),
        ("Step 5", None, 5),
        ("Epoch 1", 1, 10),
        ("Step 15", None, 15),
        ("Epoch 2", 2, 20),
        ("Epoch 10", 10, 100),
    ]


def test_samples_that_were_not_made_say_why(run: RunFolder) -> None:
    start(run)
    for epoch in range(5):
        end_epoch(run, epoch, 3.0)
    note_sample(run, "epoch_1", 10, "failed", "it died (out of memory)")
    note_sample(run, "epoch_2", 20, "skipped", "newer checkpoints were waiting")
    ask(run, "epoch_3", 30)
    assert gaps(run)[1:] == [
        "Failed: it died (out of memory)",
        "Skipped: newer checkpoints were waiting",
        "Not spoken yet.",
        "Was not asked to speak.",
    ]


def test_missing_samples_come_with_the_command_that_makes_them(run: RunFolder) -> None:
    end_epoch(run, 1, 3.0)
    assert view(run)["command"] == f"escuta sample {run.path} --missing"
    speak(run, "epoch_0", 0)
    speak(run, "epoch_1", 10)
    assert view(run)["command"] == ""


def test_a_sample_made_later_takes_the_place_of_its_failure(run: RunFolder) -> None:
    end_epoch(run, 1, 3.0)
    note_sample(run, "epoch_1", 10, "failed", "it died")
    speak(run, "epoch_1", 10)
    note_sample(run, "epoch_1", 10, "failed", "it died")
    shown = checkpoints(run)["epoch_1"]
    assert (shown["gap"], len(shown["takes"])) == ("", 2)


def test_files_of_a_sample_that_are_missing_or_damaged_are_gaps(run: RunFolder) -> None:
    start(run)
    speak(run, "epoch_1", 10).unlink()
    speak(run, "epoch_2", 20).write_text('{"name": "epoch_2", "sent')
    speak(run, "epoch_3", 30).write_text('{"step": 30, "weights": 7, "sentences": null}')
    speak(run, "epoch_4", 40)
    (run.samples / "epoch_4_output.wav").unlink()
    speak(run, "epoch_5", 50, texts=TEXTS[1:])
    (run.samples / "epoch_5_output.wav").write_bytes(b"RIFF not a wav")
    shown = checkpoints(run)
    assert gaps(run)[:3] == [
        "epoch_1.json is missing.",
        "epoch_2.json is damaged; remove it to have the sample made again.",
        "epoch_3.json is damaged; remove it to have the sample made again.",
    ]
    assert [take["file"] for take in shown["epoch_4"]["takes"]] == ["", "epoch_4_output_02.wav"]
    assert [(take["file"], take["peaks"]) for take in shown["epoch_5"]["takes"]] == [("epoch_5_output.wav", "")]


def test_a_sentence_cut_at_the_limit_says_so(run: RunFolder) -> None:
    speak(run, "epoch_1", 10, stop="limit")
    assert [take["cut"] for take in checkpoints(run)["epoch_1"]["takes"]] == [1, 1]


def test_further_seeds_are_takes_of_the_same_sentence(run: RunFolder) -> None:
    speak(run, "epoch_1", 10, seeds=(0, 3))
    takes = checkpoints(run)["epoch_1"]["takes"]
    assert [(take["sentence"], take["seed"]) for take in takes] == [(0, 0), (1, 0), (0, 3), (1, 3)]
    assert takes[3]["file"] == "epoch_1_output_02_seed_3.wav"


def test_a_torn_last_event_is_passed_over(run: RunFolder) -> None:
    start(run)
    end_epoch(run, 1, 3.0, improved=True)
    with run.events.open("ab") as file:
        file.write(b'{"event": "epoch", "epoch": 2, "val_lo')
    assert [one["val_loss"] for one in view(run)["checkpoints"]] == [3.0]


def test_a_resumed_run_shows_what_was_done_last(run: RunFolder) -> None:
    start(run, device="cpu")
    end_epoch(run, 1, 3.5, improved=True)
    end_epoch(run, 2, 3.25, improved=True)
    start(run, epoch=1, device="cuda:1")
    end_epoch(run, 2, 3.75)
    shown = view(run)
    assert [one["val_loss"] for one in shown["checkpoints"]] == [3.5, 3.75]
    assert shown["best"]["val_loss"] == "epoch_1"
    assert "cuda:1" in shown["facts"]


def test_scores_and_what_was_heard_are_shown_beside_ceiling_and_noise(run: RunFolder) -> None:
    speak(run, "epoch_0", 0, seeds=(0, 1, 2))
    speak(run, "epoch_1", 10)
    score(run, "epoch_0", {"character_error_rate": 0.5, "loudness": -20.0}, heard="Seven sailors.")
    score(run, "epoch_1", {"character_error_rate": 0.1, "loudness": -21.0}, heard="Seven old sailors.")
    score(run, "held_out", {"character_error_rate": 0.02})
    shown = view(run)
    errors, loudness = shown["scores"]
    assert (errors["name"], errors["title"], errors["better"], errors["main"]) == (
        "character_error_rate",
        "Character error rate",
        "lower",
        True,
    )
    assert (errors["ceiling"], errors["spread"]) == (0.02, 0.01)
    assert 0 < errors["noise"] < 0.1
    assert (loudness["name"], loudness["ceiling"], loudness["main"]) == ("loudness", None, False)
    base, first = shown["checkpoints"]
    assert (base["means"], first["means"]) == ([0.51, -19.99], [0.1, -21.0])
    assert (base["verdicts"], first["verdicts"]) == ({}, {"character_error_rate": "better"})
    assert (first["takes"][0]["scores"], first["takes"][0]["heard"]) == ([0.1], "Seven old sailors.")


def test_the_best_by_score_is_told_with_its_reason(run: RunFolder) -> None:
    EventLog(run.events).write("best_by_score", {"name": "epoch_2", "epoch": 2, "reason": "fewest errors"})
    EventLog(run.events).write("best_by_score", {"name": "epoch_3", "epoch": 3, "reason": "closest voice"})
    assert view(run)["best"] == {"val_loss": "", "score": "epoch_3", "reason": "closest voice"}


def test_only_files_in_samples_are_named(run: RunFolder) -> None:
    (run.path / "secret.wav").touch()
    record = speak(run, "epoch_1", 10)
    record.write_text(record.read_text().replace("epoch_1_output.wav", "../secret.wav"))
    assert checkpoints(run)["epoch_1"]["takes"][0]["file"] == ""
    record.write_text(record.read_text().replace("epoch_1_reference.wav", "../secret.wav"))
    assert view(run)["reference"] is None


def test_a_damaged_run_json_leaves_the_samples(run: RunFolder) -> None:
    speak(run, "epoch_1", 10)
    speak(run, "epoch_0", 0).write_text("{")
    run.facts.write_text("[1, 2")
    shown = view(run)
    assert shown["sentences"] == list(TEXTS)
    assert [one["title"] for one in shown["checkpoints"]] == ["Base model", "Epoch 1"]


def test_a_document_has_all_runs_and_every_word(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = begin_run(tmp_path / "bruno")
    write_facts(other, texts=("Another.",))
    shown = document([run, other])
    assert [one["name"] for one in shown["runs"]] == ["anna", "bruno"]
    assert (shown["language"], shown["texts"]["play"]) == ("en", "Play")
    monkeypatch.setenv("ESCUTA_LANG", "pt_BR")
    assert document([run])["language"] == "pt-BR"

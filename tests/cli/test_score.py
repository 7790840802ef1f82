import json
import shutil

import pytest

from escuta.cli.main import main
from escuta.data.demo import DEMO_VOICE
from escuta.data.manifest import find_audio, read_manifest
from escuta.scoring import weights
from escuta.scoring.clips import Take
from spoken_runs import make_spoken_run


@pytest.fixture(scope="module")
def takes():
    rows = read_manifest(DEMO_VOICE).rows
    found = [Take(audio, row.text) for row in rows if (audio := find_audio(DEMO_VOICE, row.audio))]
    return sorted(found, key=lambda take: take.audio.stat().st_size)


def score(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["score", *map(str, arguments)])
    return ended.value.code or 0


def test_a_run_is_scored_its_page_is_made_and_the_best_is_chosen(tmp_path, takes, capsys):
    run = make_spoken_run(tmp_path / "run", takes)
    run.checkpoints.mkdir()
    run.checkpoint("epoch_1").write_bytes(b"weights")

    assert score(run.path) == 0

    said = capsys.readouterr().out
    assert "held_out" in said
    assert "⭐ Best by score: epoch_1" in said
    assert run.best_by_score.samefile(run.checkpoint("epoch_1"))
    assert run.report.exists()
    assert json.loads((run.samples / "epoch_1.scores.json").read_text())["mean"]["naturalness"] > 3


def test_code_that_a_run_names_is_not_run_unasked(tmp_path, takes, capsys):
    run = make_spoken_run(tmp_path / "run", takes, epochs=0)
    rule = tmp_path / "rule.py"
    rule.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\ndef choose(*_): ...\n")
    run.settings.write_text(run.settings.read_text() + f'rule = "{rule}:choose"\n')

    assert score(run.path) == 0
    assert f"Apply it with: --set scores.rule={rule}:choose" in capsys.readouterr().out
    assert not (tmp_path / "ran").exists()

    score(run.path, "--set", f"scores.rule={rule}:choose")
    assert (tmp_path / "ran").exists()


def test_a_failure_is_told_and_the_status_says_so(tmp_path, takes, capsys):
    run = make_spoken_run(tmp_path / "run", takes, epochs=0)
    (run.samples / "epoch_0_output_01.flac").unlink()

    assert score(run.path) == 2
    assert "epoch_0_output_01.flac: cannot be opened" in capsys.readouterr().out


def test_a_reference_that_is_not_there_is_told(tmp_path, takes, capsys):
    (tmp_path / "audio").mkdir()
    shutil.copyfile(takes[0].audio, tmp_path / "audio" / "a.flac")
    (tmp_path / "texts.txt").write_text(f"a|{takes[0].text}\n")

    assert score(tmp_path / "audio", "--texts", tmp_path / "texts.txt", "--reference", tmp_path / "gone.wav") == 2
    assert f"{tmp_path / 'gone.wav'}: cannot be opened" in capsys.readouterr().err


def test_any_recordings_are_scored_against_texts(tmp_path, takes, capsys):
    folder = tmp_path / "audio"
    folder.mkdir()
    shutil.copyfile(takes[20].audio, folder / "a.flac")
    (tmp_path / "texts.txt").write_text(f"a|{takes[20].text}\n")

    arguments = ("--texts", tmp_path / "texts.txt", "--reference", takes[30].audio, "--language", "en")
    assert score(folder, *arguments) == 0

    said = capsys.readouterr().out
    assert "a.flac" in said
    assert "mean" in said
    content = json.loads((folder / "scores.json").read_text())
    assert content["files"][0]["scores"]["speaker_similarity"] > 0.8


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "escuta score: nothing to score; expected the folder of a run, or --get."),
        (("nowhere",), "nowhere: no run; expected one, or for a folder of recordings --texts FILE."),
        (("nowhere", "--set", "scores.recognizer=tiny"), "scores.recognizer is not a setting"),
    ],
)
def test_what_cannot_be_scored_is_refused(arguments, problem, capsys):
    assert score(*arguments) == 2
    assert problem in capsys.readouterr().err


def test_weights_are_fetched_when_asked_for_and_named_with_their_licence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(weights, "distribution", missing)
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    assert score("--get") == 2

    read = capsys.readouterr()
    assert "📥 Fetching resemblyzer 0.1.4 (16 MB, licence Apache-2.0)..." in read.out
    assert "resemblyzer 0.1.4: could not be fetched" in read.err


def test_what_is_here_is_not_fetched_again(tmp_path, capsys):
    (tmp_path / "model.bin").write_bytes(b"a recogniser of one's own")

    assert score("--get", "--set", f"scores.recogniser={tmp_path}") == 0

    said = capsys.readouterr().out
    assert "Fetching resemblyzer" not in said
    assert "   ✅ distillmos 0.9.1: " in said
    assert str(tmp_path) in said


def missing(name):
    raise weights.PackageNotFoundError(name)

import json
import os

import pytest

from escuta.errors import AudioError, RunError
from escuta.run.folder import RunFolder
from escuta.scoring.scorer import HELD_OUT, Scorer, sample_names
from escuta.settings import ScoreSettings
from spoken_runs import make_sample, make_spoken_run


@pytest.fixture(scope="module")
def scored(tmp_path_factory, takes, whisper):
    """A run with two samples, the first of them scored, and who scored it."""
    run = make_spoken_run(tmp_path_factory.mktemp("scored") / "run", takes, whisper=whisper)
    alive = []
    scorer = Scorer(run, ScoreSettings(recogniser=str(whisper)), 1, lambda: alive.append(1))
    return run, scorer, scorer.score("epoch_0"), alive


def test_a_sample_is_scored_beside_its_json_in_the_agreed_shape(scored, takes):
    run, _scorer, sheet, alive = scored
    content = json.loads((run.samples / "epoch_0.scores.json").read_text())

    assert content == sheet.to_json()
    assert (content["format"], content["name"], content["epoch"], content["step"]) == (1, "epoch_0", 0, 0)
    assert content["weights"] == "abc"
    assert content["missing"] == {}
    assert content["scorers"]["naturalness"] == "distillmos 0.9.1"
    assert [file["text"] for file in content["files"]] == [take.text for take in takes[10:12]]
    assert content["files"][0]["seed"] == 7
    assert content["files"][0]["heard"]
    assert content["mean"]["speaker_similarity"] > 0.9
    assert content["mean"]["character_error_rate"] <= 0.1
    assert content["mean"]["ended"] == 1
    assert content["mean"]["speaking_rate_deviation"] < 4
    assert content["seconds"] > 0
    assert content["audio_seconds"] > 1
    assert len(alive) > 5  # clips of the profile, and recordings


def test_the_held_out_clips_are_scored_as_the_best_that_can_be(scored, takes):
    run, scorer, *_more = scored
    scorer.score(HELD_OUT)
    content = json.loads((run.samples / "held_out.scores.json").read_text())

    assert {"name", "epoch", "step", "weights"} & content.keys() == set()
    assert [(file["file"], file["seed"]) for file in content["files"]] == [
        (take.audio.name, None) for take in takes[:2]
    ]
    assert content["mean"]["naturalness"] > 3
    assert "ended" not in content["mean"]


def test_what_is_up_to_date_is_known_by_files_weights_and_instruments(scored, whisper):
    run, scorer, *_more = scored
    assert scorer.is_scored("epoch_0")
    assert not scorer.is_scored("epoch_1")

    lesser = Scorer(run, ScoreSettings(recogniser="base"), 1)
    assert not lesser.is_scored("epoch_0")

    scores = run.samples / "epoch_0.scores.json"
    times = scores.stat()
    newer = times.st_mtime_ns + 10**9
    wav = run.samples / "epoch_0_output_01.flac"
    old = wav.stat()
    os.utime(wav, ns=(newer, newer))
    assert not scorer.is_scored("epoch_0")
    os.utime(wav, ns=(old.st_atime_ns, old.st_mtime_ns))

    record = run.samples / "epoch_0.json"
    about = record.read_text()
    record.write_text(about.replace("abc", "def"))
    assert not scorer.is_scored("epoch_0")
    record.write_text(about)
    assert scorer.is_scored("epoch_0")


def test_samples_come_in_the_order_of_training(tmp_path, takes):
    run = make_spoken_run(tmp_path / "run", takes, epochs=10)
    make_sample(run, "step_6", takes[10:11], epoch=2)
    (run.samples / "epoch_2.scores.json").write_text("{}")

    about = json.loads((run.samples / "step_6.json").read_text())
    (run.samples / "step_6.json").write_text(json.dumps({**about, "step": 6}))

    assert sample_names(run) == ["epoch_0", "epoch_1", "step_6", *(f"epoch_{n}" for n in range(2, 11))]


@pytest.mark.parametrize("content", ["{", "[]", '{"name": "epoch_1"}'])
def test_a_damaged_record_is_said_with_what_to_do(scored, content):
    run, scorer, *_more = scored
    (run.samples / "epoch_9.json").write_text(content)

    with pytest.raises(
        RunError, match=r"epoch_9.json: missing or damaged; expected what a sample wrote. Make it again"
    ):
        scorer.score("epoch_9")
    (run.samples / "epoch_9.json").unlink()


def test_a_recording_that_is_gone_is_named(tmp_path, takes, scored):
    _run, scorer, *_more = scored
    run = scorer._run
    make_sample(run, "epoch_8", takes[10:12], epoch=8)
    (run.samples / "epoch_8_output_02.flac").unlink()

    with pytest.raises(AudioError, match=r"epoch_8_output_02.flac: cannot be opened"):
        scorer.score("epoch_8")
    assert not (run.samples / "epoch_8.scores.json").exists()
    (run.samples / "epoch_8.json").unlink()


def test_without_a_dataset_there_is_no_ceiling_and_the_reference_is_the_voice(tmp_path, takes, whisper):
    run = make_spoken_run(tmp_path / "run", takes)
    run.clips.unlink()
    scorer = Scorer(run, ScoreSettings(), 1)

    assert scorer.score(HELD_OUT) is None
    assert HELD_OUT not in scorer.names()
    sheet = scorer.score("epoch_0")
    assert "speaking_rate_deviation" not in sheet.mean
    assert sheet.mean["speaker_similarity"] > 0.85


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"no run.json"):
        Scorer(RunFolder(tmp_path), ScoreSettings(), 1)

    RunFolder(tmp_path).write_facts({})
    with pytest.raises(RunError, match=r"does not name the language"):
        Scorer(RunFolder(tmp_path), ScoreSettings(), 1)

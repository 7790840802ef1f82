import json

from escuta.run.folder import RunFolder
from escuta.scoring.clips import Take, read_clips
from spoken_runs import make_spoken_run


def test_both_sides_are_found_where_the_run_says_that_they_are(tmp_path, takes):
    clips = read_clips(make_spoken_run(tmp_path / "run", takes))

    assert clips.held_out == tuple(takes[:2])
    assert clips.learned == tuple(takes[2:7])


def test_a_clip_that_is_gone_is_passed_over_and_a_dataset_that_is_gone_has_none(tmp_path, takes):
    run = make_spoken_run(tmp_path / "run", takes)
    dataset = tmp_path / "voice"
    dataset.mkdir()
    (dataset / takes[3].audio.name).write_bytes(b"moved here")
    run.write_facts({**run.read_facts(), "dataset": {"folder": str(dataset)}})

    clips = read_clips(run)

    assert clips.learned == (Take(dataset / takes[3].audio.name, takes[3].text),)
    assert clips.held_out == ()


def test_a_run_of_an_earlier_version_has_none(tmp_path):
    run = RunFolder(tmp_path)
    run.facts.write_text(json.dumps({"language": "en"}))

    assert read_clips(run).learned == read_clips(run).held_out == ()

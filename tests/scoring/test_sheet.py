import json

from escuta.scoring.sheet import Entry, Sheet, means, read_sheet


def entry(text, seed=0, **scores):
    return Entry(f"{text}_{seed}.wav", text, seed, None, scores)


def test_each_sentence_weighs_the_same_however_often_it_was_spoken():
    entries = [entry("a", 0, clipping=1.0), entry("a", 1, clipping=0.0), entry("b", 0, clipping=0.0)]

    assert means(entries) == {"clipping": 0.25}


def test_what_was_measured_of_some_is_the_mean_of_these():
    assert means([entry("a", naturalness=3.0), entry("b")]) == {"naturalness": 3.0}


def test_a_sheet_is_read_as_it_was_written(tmp_path):
    sheet = Sheet(
        scorers={"clipping": "x"},
        missing={"naturalness": "not here"},
        seconds=1.5,
        audio_seconds=3.0,
        files=(entry("a", clipping=0.5),),
        about={"name": "epoch_1", "epoch": 1, "step": 4, "weights": "abc"},
    )
    path = tmp_path / "epoch_1.scores.json"
    sheet.write(path)

    assert read_sheet(path) == json.loads(path.read_text()) == sheet.to_json()
    assert read_sheet(path)["mean"] == {"clipping": 0.5}
    assert sheet.event() == {
        "name": "epoch_1",
        "epoch": 1,
        "step": 4,
        "seconds": 1.5,
        "mean": {"clipping": 0.5},
        "missing": {"naturalness": "not here"},
    }


def test_what_is_no_sheet_is_read_as_nothing(tmp_path):
    (tmp_path / "torn").write_text('{"format": 1, "na')
    (tmp_path / "later").write_text('{"format": 2}')

    assert read_sheet(tmp_path / "torn") == read_sheet(tmp_path / "later") == read_sheet(tmp_path / "gone") == {}

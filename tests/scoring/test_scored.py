import json

import pytest

from escuta.scoring.scored import Scored, read_scored


def file(text, seed, **scores):
    return {"file": f"{text}_{seed}.wav", "text": text, "seed": seed, "heard": text, "scores": scores}


def write(path, *files, **fields):
    path.write_text(json.dumps({"format": 1, "files": files, "mean": {}, **fields}))
    return path


def test_scores_are_told_by_sentence_and_seed_without_what_could_not_be_measured(tmp_path):
    files = [
        file("One.", 0, naturalness=3.0, character_error_rate=0.5),
        file("Two.", 0, naturalness=4.0, character_error_rate=None),
        file("One.", 1, naturalness=3.5),
    ]
    path = write(tmp_path / "epoch_2.scores.json", *files, name="epoch_2", epoch=2, step=8)

    scored = read_scored(path, val_loss=2.5)

    by_score = {"naturalness": {"One.": (3.0, 3.5), "Two.": (4.0,)}, "character_error_rate": {"One.": (0.5,)}}
    assert scored == Scored("epoch_2", 2, 8, by_score, 2.5)


def test_every_sentence_weighs_the_same_however_many_seeds_it_has():
    scored = Scored("epoch_1", 1, 4, {"naturalness": {"One.": (1.0, 1.0, 1.0), "Two.": (3.0,)}})

    assert scored.mean("naturalness") == 2.0
    assert scored.mean("repetition") is None


def test_held_out_clips_are_read_alike(tmp_path):
    path = write(tmp_path / "held_out.scores.json", file("One.", None, naturalness=4.5))

    assert read_scored(path) == Scored("held_out", 0, 0, {"naturalness": {"One.": (4.5,)}})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name": "epoch_1"}', b"\xff"])
def test_a_damaged_file_tells_nothing(tmp_path, content):
    path = tmp_path / "epoch_1.scores.json"
    path.write_bytes(content)

    assert read_scored(path) is None
    assert read_scored(tmp_path / "gone.scores.json") is None

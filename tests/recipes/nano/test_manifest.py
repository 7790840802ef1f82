from recipes.nano.manifest import judged, read_manifest, why_dropped
from recipes.nano.work import write_rows


def test_a_clip_is_dropped_for_a_reason():
    assert why_dropped(seconds=4.0, cer=0.02) == ""
    assert why_dropped(seconds=4.0, cer=0.5) == "misheard"
    assert why_dropped(seconds=0.4, cer=0.0) == "too short"
    assert why_dropped(seconds=14.0, cer=None) == "too long"


def test_clips_that_were_spoken_are_judged_and_those_not_heard_yet_are_kept(tmp_path):
    write_rows(tmp_path / "plan.jsonl", [{"id": id_, "text": "Oi."} for id_ in "abc"])
    write_rows(tmp_path / "spoken.jsonl", [{"id": "b", "seconds": 2.0}, {"id": "a", "seconds": 3.0}])
    write_rows(tmp_path / "recognised.jsonl", [{"id": "b", "cer": 0.0, "heard": "oi"}])
    assert list(judged(tmp_path)) == [
        {"id": "a", "text": "Oi.", "seconds": 3.0, "cer": None, "dropped": ""},
        {"id": "b", "text": "Oi.", "seconds": 2.0, "cer": 0.0, "dropped": ""},
    ]


def test_clips_that_nobody_listened_to_here_stay_as_they_were_written_down_elsewhere(tmp_path):
    write_rows(tmp_path / "plan.jsonl", [{"id": id_} for id_ in "abcd"])
    write_rows(tmp_path / "spoken.jsonl", [{"id": id_, "seconds": 2.0} for id_ in "abd"])
    write_rows(tmp_path / "recognised.jsonl", [{"id": "b", "cer": 0.0}])
    earlier = [{"id": id_, "cer": 0.2} for id_ in "cba"]
    found = [(row["id"], row["cer"]) for row in judged(tmp_path, earlier)]
    assert found == [("a", 0.2), ("b", 0.0), ("c", 0.2), ("d", None)]


def test_a_model_begun_anew_has_no_manifest_yet(tmp_path):
    assert read_manifest(tmp_path / "manifest.jsonl.gz") == []

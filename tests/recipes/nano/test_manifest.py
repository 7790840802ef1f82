from recipes.nano.manifest import judged, why_dropped
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
    earlier = [{"id": "c", "cer": 0.2}, {"id": "b", "cer": 0.3}]
    assert list(judged(tmp_path, earlier))[1:] == [
        {"id": "b", "text": "Oi.", "seconds": 2.0, "cer": 0.0, "dropped": ""},
        {"id": "c", "cer": 0.2},  # as it was written down where it was spoken
    ]

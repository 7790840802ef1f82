import gzip

import pytest
from recipes.nano.recognise import character_error_rate, edit_distance, heard_before, to_hear
from recipes.nano.work import line


@pytest.mark.parametrize(
    ("wanted", "found", "edits"),
    [("casa", "casa", 0), ("casa", "caza", 1), ("casa", "casas", 1), ("casa", "asa", 1), ("casa", "", 4), ("", "a", 1)],
)
def test_edits_are_counted(wanted, found, edits):
    assert edit_distance(wanted, found) == edits


def test_marks_accents_and_case_are_no_errors():
    assert character_error_rate("Não, você não vem?", "nao voce, NÃO vem", "pt") == 0


def test_numbers_equal_their_words():
    assert character_error_rate("Room forty-two, please.", "Room 42, please.", "en") == 0
    assert character_error_rate("Custa vinte e cinco reais.", "Custa 25 reais.", "pt") == 0


def test_the_rate_is_over_what_was_said():
    assert character_error_rate("abcd", "abxd", "en") == 0.25
    assert character_error_rate("abcd", "", "en") == 1


def test_what_kokoro_said_is_heard_once_and_espeaks_rare_words_never():
    plan = {id_: {"split": "train"} for id_ in "abc"} | {"d": {"split": "spelling"}}
    spoken = [{"id": id_, "seconds": 2.0} for id_ in "abd"] + [{"id": "c", "seconds": 0.0}]
    assert to_hear(plan, spoken, heard={"a"}) == ["b"]


def test_what_a_manifest_says_of_a_clip_is_not_heard_again(tmp_path):
    said = {"language": "en", "voice": "af_sky", "speed": 1.0, "text": "The cat sat."}
    plan = {id_: {"id": id_, **said} for id_ in "abc"}
    rows = [
        {"id": "a", **said, "cer": 0.02},
        {"id": "b", **said, "voice": "am_adam", "cer": 0.3},
        {"id": "c", **said, "cer": None},
    ]
    manifest = tmp_path / "manifest.jsonl.gz"
    manifest.write_bytes(gzip.compress("".join(map(line, rows)).encode()))

    assert heard_before(plan, manifest) == {"a": 0.02}
    assert heard_before(plan, tmp_path / "none.jsonl.gz") == {}

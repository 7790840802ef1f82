from pathlib import Path

import pytest
from recipes.nano.clips import TAKES, Take, find_clips, read_wave
from recipes.nano.work import append_row


def test_clips_nobody_listened_to_yet_are_used_and_misheard_ones_are_not(work: Path):
    before = find_clips(work)
    append_row(work / "recognised.jsonl", {"id": before[0].id, "cer": 0.5, "heard": "?"})
    append_row(work / "recognised.jsonl", {"id": before[1].id, "cer": 0.01, "heard": "the cat"})
    assert find_clips(work) == before[1:]


def test_a_split_holds_its_own_clips_alone(work: Path):
    assert {clip.voice for clip in find_clips(work, ("held_out",))} == {"af_heart", "pm_alex"}


@pytest.mark.parametrize("take", TAKES)
def test_a_take_is_as_much_shorter_as_its_tape_is_faster(take: Take, work: Path):
    clip = find_clips(work)[0]
    seconds = len(read_wave(work, clip, 22050, take)) / 22050
    assert abs(seconds - (clip.seconds - take.skipped_seconds) / take.speed) < 0.001

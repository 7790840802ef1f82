import random
from pathlib import Path

import pytest

from escuta.data.checks import Findings, check
from escuta.data.clip import Clip
from escuta.data.dataset import Dataset, split
from escuta.errors import DataError
from escuta.models.base import ClipLimits
from sounds import make_dataset


def findings(num_clips: int, *, shuffled: int | None = None, folder: str = "voice") -> Findings:
    numbers = list(range(1, num_clips + 1))
    if shuffled is not None:
        random.Random(shuffled).shuffle(numbers)
    clips = [
        Clip(Path(folder) / f"wavs/audio_{number:05d}.wav", f"Text {number}.", seconds=4.0, line=line)
        for line, number in enumerate(numbers, start=1)
    ]
    return Findings(Path(folder), tuple(clips), problems=(), num_lines=num_clips, seconds=4.0 * num_clips)


def names(clips: tuple[Clip, ...]) -> list[str]:
    return [clip.name for clip in clips]


def test_sixty_clips_are_split_the_same_way_every_time():
    dataset = split(findings(60))
    assert names(dataset.held_out) == ["audio_00006", "audio_00025", "audio_00037"]
    assert len(dataset.train) == 57
    assert {*names(dataset.train), *names(dataset.held_out)} == set(names(findings(60).clips))


def test_the_split_depends_on_neither_order_nor_folder():
    dataset = split(findings(60))
    for other in (findings(60, shuffled=1), findings(60, folder="elsewhere")):
        assert names(split(other).held_out) == names(dataset.held_out)
        assert names(split(other).train) == names(dataset.train)


def test_limiting_the_clips_leaves_the_held_out_ones_and_takes_the_first():
    whole = split(findings(60))
    for max_clips in (1, 20, 57, 1000):
        assert split(findings(60), max_clips=max_clips) == Dataset(whole.train[:max_clips], whole.held_out)


def test_a_limit_below_one_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="max_clips is 0; expected 1 or more"):
        split(findings(60), max_clips=0)


def test_the_seed_chooses_other_clips():
    assert names(split(findings(60), seed=1).held_out) != names(split(findings(60)).held_out)


def test_most_clips_keep_their_side_when_one_is_added():
    before, after = split(findings(200)), split(findings(201))
    assert len({*names(before.held_out)} & {*names(after.held_out)}) >= 9


@pytest.mark.parametrize(
    ("num_clips", "share", "num_held_out"),
    [(3, 0.05, 2), (10, 0.05, 2), (60, 0.05, 3), (60, 0.25, 15), (1000, 0.05, 50), (3, 0.9, 2)],
)
def test_a_share_is_held_out_but_two_at_least_and_one_is_learned(num_clips, share, num_held_out):
    dataset = split(findings(num_clips), held_out_share=share)
    assert (len(dataset.held_out), len(dataset.train)) == (num_held_out, num_clips - num_held_out)


def test_fewer_than_three_usable_clips_are_refused(tmp_path):
    folder = make_dataset(tmp_path / "voice", 4, seconds=(1.0, 0.1))
    with pytest.raises(DataError) as caught:
        split(check(folder))
    assert str(caught.value) == (
        f"{folder}: 2 usable clips in metadata.csv, 2 left out; expected 3 or more. "
        "Add clips, or mend those that `escuta check` reports."
    )


def test_one_usable_clip_is_refused_in_the_singular():
    with pytest.raises(DataError, match="voice: 1 usable clip in metadata"):
        split(findings(1))


def test_clips_that_are_too_long_are_counted(tmp_path):
    folder = make_dataset(tmp_path / "voice", 4, seconds=(2.0, 2.5, 1.0, 3.0))
    limits = ClipLimits(min_seconds=0.5, max_seconds=1.5, max_text_tokens=100)
    with pytest.raises(DataError) as caught:
        split(check(folder, limits=limits))
    assert caught.value.problems == (
        f"{folder}: 1 usable clip in metadata.csv, 3 left out; expected 3 or more. "
        "Add clips, or mend those that `escuta check` reports.",
        f"{folder}: 3 clips are longer than 1.5 s. Split them, or raise data.max_clip_seconds.",
    )

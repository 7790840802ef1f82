import json
import shutil
from pathlib import Path

import pytest

from escuta.data.checks import check
from escuta.data.dataset import Dataset, split
from escuta.data.inventory import Entry, Inventory, take_inventory
from escuta.errors import DataError
from sounds import make_dataset


def inventory(folder: Path, **options) -> Inventory:
    return take_inventory(split(check(folder), **options))


@pytest.fixture
def folder(tmp_path):
    return make_dataset(tmp_path / "voice", 8, seconds=(0.5,))


def entries(*names, text="Text.", audio="ab", held_out=False):
    return tuple(Entry(name, text, audio, held_out) for name in names)


def change_a_text(folder: Path) -> None:
    manifest = folder / "metadata.csv"
    manifest.write_text(manifest.read_text().replace(".", "!", 1))


def change_a_sound(folder: Path) -> None:
    wav = folder / "wavs" / "audio_00001.wav"
    content = bytearray(wav.read_bytes())
    content[-1] ^= 1
    wav.write_bytes(content)


def change_a_name(folder: Path) -> None:
    (folder / "wavs" / "audio_00001.wav").rename(folder / "wavs" / "other.wav")
    manifest = folder / "metadata.csv"
    manifest.write_text(manifest.read_text().replace("audio_00001", "other"))


def test_it_has_the_clips_learned_from_then_those_held_out(folder):
    dataset = split(check(folder))

    found = take_inventory(dataset).entries

    assert [entry.name for entry in found] == [clip.name for clip in (*dataset.train, *dataset.held_out)]
    assert [entry.held_out for entry in found] == [*[False] * 6, True, True]
    assert {len(entry.audio) for entry in found} == {64}


def test_the_same_data_in_another_folder_have_the_same_fingerprint(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")

    assert len(inventory(folder).fingerprint) == 64
    assert inventory(tmp_path / "copy").fingerprint == inventory(folder).fingerprint
    assert inventory(tmp_path / "copy").changes_since(inventory(folder)) == []


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (change_a_text, ["clips whose text or recording was edited: audio_00001"]),
        (change_a_sound, ["clips whose text or recording was edited: audio_00001"]),
        (change_a_name, ["clips added: other", "clips removed: audio_00001"]),
    ],
)
def test_other_data_have_another_fingerprint_and_the_change_is_told(folder, change, lines):
    before = inventory(folder)
    change(folder)
    now = inventory(folder)

    assert now.fingerprint != before.fingerprint
    assert [line for line in now.changes_since(before) if not line.startswith("clips moved")] == lines


def test_fewer_clips_and_another_split_have_another_fingerprint(folder):
    found = [inventory(folder), inventory(folder, max_clips=3), inventory(folder, held_out_share=0.4)]

    assert len({one.fingerprint for one in found}) == 3
    assert found[2].changes_since(found[0])[0].startswith("clips moved between training and held out: audio_")


def test_five_names_are_shown_and_the_rest_is_counted():
    before, now = Inventory(entries("a", "b")), Inventory(entries("a", "b", *"hgfedcz"))

    assert now.changes_since(before) == ["clips added: c, d, e, f, g and 2 more"]
    assert before.changes_since(now) == ["clips removed: c, d, e, f, g and 2 more"]


def test_two_files_of_one_name_are_two_clips():
    one, two = entries("a"), entries("a", audio="cd")

    assert Inventory((*one, *two)).changes_since(Inventory(one)) == ["clips whose text or recording was edited: a"]
    assert Inventory((*one, *two)).changes_since(Inventory((*two, *one))) == []


def test_it_is_written_a_clip_a_line_and_read_back(folder):
    found = inventory(folder)

    assert Inventory.from_json(found.to_json()) == found
    assert len(found.to_json().splitlines()) == len(found.entries) + 2
    assert json.loads(found.to_json())[0].keys() == {"name", "text", "audio", "held_out"}


@pytest.mark.parametrize("text", ["", "[", "3", '{"a": 1}', '[{"name": "a"}]', "[[1]]"])
def test_something_else_is_no_inventory(text):
    with pytest.raises(ValueError):  # noqa: PT011 - of json, or of ours
        Inventory.from_json(text)


def test_a_recording_that_is_gone_is_named(folder):
    dataset = split(check(folder))
    path = dataset.train[0].audio
    path.unlink()
    with pytest.raises(DataError) as caught:
        take_inventory(dataset)
    assert str(caught.value) == (
        f"{path}: cannot be opened; No such file or directory. Put it back, or check the dataset again."
    )


def test_an_empty_dataset_has_a_fingerprint_too():
    assert len(take_inventory(Dataset((), ())).fingerprint) == 64

import shutil

import pytest

from escuta.errors import DataError
from escuta.scoring.audio_folder import find_takes, score_folder
from escuta.terminal import Terminal


@pytest.fixture
def folder(tmp_path, takes):
    folder = tmp_path / "audio"
    folder.mkdir()
    for number, take in enumerate(takes[20:22]):
        shutil.copyfile(take.audio, folder / f"{number}.flac")
    (folder / "notes.txt").write_text("no recording")
    return folder


def test_texts_go_by_name_or_by_order(folder, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("1|Second.\n0.flac|Zero.|First.\n")
    assert [(take.audio.name, take.text) for take in find_takes(folder, texts)] == [
        ("1.flac", "Second."),
        ("0.flac", "First."),
    ]

    texts.write_text("First.\n\nSecond.\n")
    assert [(take.audio.name, take.text) for take in find_takes(folder, texts)] == [
        ("0.flac", "First."),
        ("1.flac", "Second."),
    ]


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        ("One.\nTwo.\nThree.\n", ["3 lines for 2 recordings; expected a line each, or lines of name|text."]),
        ("7|Seven.\n0|\n", ["line 1: '7' is no recording in", "line 2: '0' is no recording in"]),
        ("", ["an empty file"]),
    ],
)
def test_what_does_not_fit_together_is_said_at_once(folder, tmp_path, content, problems):
    texts = tmp_path / "texts.txt"
    texts.write_text(content)

    with pytest.raises(DataError) as caught:
        find_takes(folder, texts)

    assert len(caught.value.problems) == len(problems)
    for found, expected in zip(caught.value.problems, problems, strict=True):
        assert expected in found


def test_a_folder_without_recordings_is_refused(tmp_path):
    (tmp_path / "texts.txt").write_text("One.\n")
    with pytest.raises(DataError, match="no recordings; expected wav, flac, ogg or mp3 files"):
        find_takes(tmp_path, tmp_path / "texts.txt")


def test_recordings_are_scored_against_their_texts_and_a_voice(folder, tmp_path, takes, instruments):
    (tmp_path / "texts.txt").write_text("".join(f"{take.text}\n" for take in takes[20:22]))
    pairs = find_takes(folder, tmp_path / "texts.txt")

    sheet = score_folder(pairs, "en", instruments, Terminal(), reference=takes[40].audio)

    assert sheet.missing == {}
    assert sheet.mean["speaker_similarity"] > 0.8
    assert sheet.mean["character_error_rate"] <= 0.1


def test_without_a_reference_the_voice_is_not_compared(folder, tmp_path, instruments):
    (tmp_path / "texts.txt").write_text("One.\nTwo.\n")

    sheet = score_folder(find_takes(folder, tmp_path / "texts.txt"), "en", instruments, Terminal())

    assert sheet.missing == {"speaker_similarity": "there is no voice to compare with; give one with --reference"}
    assert "speaker_similarity" not in sheet.mean

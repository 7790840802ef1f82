from pathlib import Path

import numpy as np
import pytest
import soundfile

from escuta.data.checks import Findings, check, peak_db
from escuta.data.clip import Clip
from escuta.errors import DataError
from escuta.models.base import ClipLimits
from sounds import make_dataset, silence, speechlike, tone

RATE = 22_050


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three good clips on lines 1 to 3; tests add a fourth."""
    return make_dataset(tmp_path / "voice", 3, seconds=(1.0,))


def add(folder: Path, line: str, wav_T: np.ndarray | None = None, **settings) -> None:
    if wav_T is not None:
        soundfile.write(folder / "wavs" / f"{line.split('|')[0]}.wav", wav_T, RATE, **settings)
    with (folder / "metadata.csv").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def messages(findings: Findings) -> list[str]:
    return [problem.message for problem in findings.problems]


def assert_left_out(folder: Path, *expected: str, **settings) -> None:
    findings = check(folder, **settings)
    assert messages(findings) == list(expected)
    assert [clip.line for clip in findings.clips] == [1, 2, 3]
    assert all(problem.left_out for problem in findings.problems)


def test_a_good_dataset_is_kept_whole(folder):
    findings = check(folder)
    assert findings.problems == ()
    assert findings.clips[1] == Clip(folder / "wavs" / "audio_00002.wav", findings.clips[1].text, seconds=1.0, line=2)
    assert findings.lines() == ["3 of 3 clips remain, 0.1 of 0.1 minutes."]


def test_a_missing_recording(folder):
    add(folder, "gone|Some text.")
    assert_left_out(
        folder,
        "metadata.csv line 4: gone: not found in wavs/ or beside metadata.csv as wav, flac, ogg or mp3. "
        "Copy it there. Left out.",
    )


def test_a_recording_that_is_not_audio(folder):
    (folder / "wavs" / "page.wav").write_text("<html>")
    add(folder, "page|Some text.")
    assert_left_out(
        folder,
        "metadata.csv line 4: wavs/page.wav: not a wav, flac, ogg or mp3 file. Convert it, or copy it again. Left out.",
    )


def test_a_recording_that_is_cut_off(folder):
    add(folder, "cut|Some text.", speechlike(2))
    path = folder / "wavs" / "cut.wav"
    path.write_bytes(path.read_bytes()[:50_000])
    assert_left_out(
        folder,
        "metadata.csv line 4: wavs/cut.wav: cut off; the end of the file is missing. "
        "Copy it again, or record it again. Left out.",
    )


def test_a_recording_of_no_bytes_and_one_of_no_samples(folder):
    (folder / "wavs" / "bytes.wav").touch()
    add(folder, "bytes|Some text.")
    add(folder, "samples|Some text.", silence(0))
    assert_left_out(
        folder,
        "metadata.csv line 4: wavs/bytes.wav: an empty file; expected audio. "
        "Copy it again, or record it again. Left out.",
        "metadata.csv line 5: wavs/samples.wav: holds no sound; expected speech. Record it again. Left out.",
    )


def test_a_silent_recording(folder):
    add(folder, "digital|Some text.", silence(1))
    add(folder, "offset|Some text.", silence(1) + np.float32(0.3), subtype="FLOAT")
    add(folder, "hum|Some text.", tone(1, level=0.001))
    findings = check(folder)
    assert messages(findings) == [
        "metadata.csv line 4: wavs/digital.wav is silent, -120 dB at its loudest; speech is above -50 dB. "
        "Record it again. Left out.",
        "metadata.csv line 5: wavs/offset.wav is silent, -120 dB at its loudest; speech is above -50 dB. "
        "Record it again. Left out.",
        "metadata.csv line 6: wavs/hum.wav is silent, -60 dB at its loudest; speech is above -50 dB. "
        "Record it again. Left out.",
    ]
    assert len(findings.clips) == 3


def test_a_quiet_recording_is_kept(folder):
    add(folder, "quiet|Some text.", 0.02 * speechlike(1))
    assert len(check(folder).clips) == 4


def test_a_recording_that_is_too_long(folder):
    add(folder, "long|Some text.", speechlike(23.4))
    assert_left_out(
        folder,
        "metadata.csv line 4: wavs/long.wav lasts 23.4 s; XTTS trains on clips up to 11.6 s. "
        "Split it, or raise data.max_clip_seconds. Left out.",
    )


def test_a_recording_that_is_too_short(folder):
    add(folder, "short|Hm.", tone(0.3))
    assert_left_out(
        folder,
        "metadata.csv line 4: wavs/short.wav lasts 0.3 s; XTTS trains on clips from 0.5 s. "
        "Join it to the next one. Left out.",
    )


def test_limits_come_from_the_model(folder):
    limits = ClipLimits(min_seconds=0.2, max_seconds=0.9, max_text_tokens=100)
    findings = check(folder, limits=limits, model_name="Nano")
    assert messages(findings)[0] == (
        "metadata.csv line 1: wavs/audio_00001.wav lasts 1 s; Nano trains on clips up to 0.9 s. "
        "Split it, or raise data.max_clip_seconds. Left out."
    )
    assert len(findings.problems) == 3


def test_a_clipped_recording_is_kept_with_a_warning(folder):
    add(folder, "clipped|Some text.", np.clip(tone(1, level=1.5), -1, 1))
    findings = check(folder)
    assert messages(findings) == [
        "metadata.csv line 4: wavs/clipped.wav is clipped, 53.6% of it; expected at most 0.1%. "
        "Record it again at a lower level. Kept."
    ]
    assert [clip.name for clip in findings.clips][-1] == "clipped"


def test_a_recording_that_touches_full_scale_here_and_there_is_fine(folder):
    wav_T = speechlike(1)
    wav_T[5000] = 1
    add(folder, "peak|Some text.", wav_T)
    assert check(folder).problems == ()


def test_a_line_without_text(folder):
    add(folder, "mute|", speechlike(1, seed=9))
    assert_left_out(folder, "metadata.csv line 4: mute: has no text; expected what is said in it. Write it. Left out.")


def test_the_model_judges_the_text(folder):
    add(folder, "odd|Ωμέγα.", speechlike(1, seed=9))

    def text_problems(text: str) -> list[str]:
        return ["unknown characters Ω and μ", "far too Greek"] if "Ω" in text else []

    assert_left_out(
        folder,
        "metadata.csv line 4: odd: its text cannot be learned; unknown characters Ω and μ. Change it. Left out.",
        "metadata.csv line 4: odd: its text cannot be learned; far too Greek. Change it. Left out.",
        text_problems=text_problems,
    )
    assert len(check(folder).clips) == 4


def test_a_line_that_is_repeated(folder):
    add(folder, (folder / "metadata.csv").read_text().splitlines()[1])
    assert_left_out(folder, "metadata.csv line 4: repeats line 2. Remove one of the two. Left out.")


def test_a_recording_with_two_texts(folder):
    add(folder, "audio_00002.wav|Something else.")
    assert_left_out(
        folder,
        "metadata.csv line 4: wavs/audio_00002.wav has another text on line 2; expected one line a clip. "
        "Remove the wrong one. Left out.",
    )


def test_the_same_sound_under_another_name(folder):
    samples_T, _rate = soundfile.read(folder / "wavs" / "audio_00002.wav", dtype="int16")
    soundfile.write(folder / "wavs" / "copy.flac", samples_T, RATE)
    add(folder, "copy|Something else.")
    assert_left_out(
        folder,
        "metadata.csv line 4: wavs/copy.flac is the same sound as audio_00002 on line 2. "
        "Remove one of the two. Left out.",
    )


def test_the_second_line_of_a_recording_is_kept_when_the_first_is_unusable(folder):
    add(folder, "late|", speechlike(1, seed=9))
    add(folder, "late|Now with a text.")
    findings = check(folder)
    assert [clip.line for clip in findings.clips] == [1, 2, 3, 5]
    assert [problem.line for problem in findings.problems] == [4]


def test_every_problem_of_a_line_and_of_the_file_is_told_in_the_order_of_lines(folder):
    add(folder, "loud|", np.clip(tone(0.2, level=1.5), -1, 1))
    add(folder, "one column")
    add(folder, "gone|")
    found = [(problem.line, problem.left_out) for problem in check(folder).problems]
    assert found == [(4, True), (4, True), (4, True), (5, True), (6, True), (6, True)]


def test_the_report_is_plain_lines_that_account_for_every_clip(folder):
    add(folder, "gone|Some text.")
    add(folder, "one column")
    add(folder, "long|Some text.", speechlike(54))
    add(folder, "loud|Some text.", np.clip(tone(3, level=1.5), -1, 1))
    findings = check(folder)
    assert findings.lines() == [*messages(findings), "4 of 7 clips remain, 0.1 of 1.0 minutes."]
    assert [message.split(": ")[0] for message in findings.lines()[:-1]] == [
        f"metadata.csv line {line}" for line in (4, 5, 6, 7)
    ]


def test_progress_counts_every_recording_once(folder):
    add(folder, "audio_00001|Once more.")
    add(folder, "gone|Some text.")
    seen = []
    check(folder, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_clips_are_in_the_order_of_the_manifest(tmp_path):
    folder = make_dataset(tmp_path / "voice", 12, seconds=(0.5,))
    lines = (folder / "metadata.csv").read_text().splitlines()
    (folder / "metadata.csv").write_text("\n".join(reversed(lines)))
    assert [clip.line for clip in check(folder).clips] == list(range(1, 13))
    assert check(folder).clips[0].name == "audio_00012"


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no metadata\.csv there; expected a folder with"):
        check(tmp_path)


def test_the_peak_is_measured_in_decibels():
    assert peak_db(tone(1, level=0.1)) == pytest.approx(-20, abs=0.01)
    assert peak_db(silence(1)) == pytest.approx(-120)

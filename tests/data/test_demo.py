from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from escuta.data.checks import check
from escuta.data.demo import DEMO_VOICE, DEMO_VOICES, DORA_VOICE

FULL_SCALE = 32767 / 32768  # of 16-bit audio
SPEECH_DB = -50.0  # a pause of these recordings lies near -80, a soft word near -45


@cache
def transcripts() -> dict[str, str]:
    lines = (DEMO_VOICE / "metadata.csv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("|") for line in lines)


def wav_of(name: str) -> np.ndarray:
    wav_T, sample_rate = sf.read(DEMO_VOICE / "wavs" / f"{name}.flac", dtype="float32")
    assert sample_rate == 16000
    assert wav_T.ndim == 1
    return wav_T


def levels_db(wav_T: np.ndarray) -> np.ndarray:
    frames = wav_T[: wav_T.size // 160 * 160].reshape(-1, 160)  # 10 ms each
    return 10 * np.log10((frames**2).mean(axis=1) + 1e-12)


def test_every_line_of_the_manifest_has_its_clip_and_every_clip_its_line():
    assert len(transcripts()) == 60
    assert {path.stem for path in (DEMO_VOICE / "wavs").iterdir()} == set(transcripts())


def test_clips_last_two_to_ten_seconds_and_five_minutes_together():
    seconds = [wav_of(name).size / 16000 for name in transcripts()]
    assert min(seconds) >= 2
    assert max(seconds) <= 10
    assert 290 < sum(seconds) < 330


def test_no_clip_is_clipped_or_silent():
    for name in transcripts():
        wav_T = wav_of(name)
        assert np.abs(wav_T).max() < 0.9 * FULL_SCALE, name
        assert (levels_db(wav_T) > SPEECH_DB).mean() > 0.6, name


def test_no_clip_starts_or_ends_inside_a_word_or_in_a_long_pause():
    for name in transcripts():
        speech = np.flatnonzero(levels_db(wav_of(name)) > SPEECH_DB)
        num_frames = wav_of(name).size // 160
        assert 2 <= speech[0] <= 20, name
        assert 2 <= num_frames - 1 - speech[-1] <= 20, name


def test_transcripts_are_whole_sentences_in_words():
    for name, text in transcripts().items():
        assert text[0].isupper(), name
        assert text[-1] in ".!?", name
        assert not set(text) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,:?!'-"), name
    assert len(set(transcripts().values())) == 60


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("LICENSE.txt", ["Attribution-ShareAlike 3.0", "1. Definitions.", "8. Miscellaneous."]),
        ("ATTRIBUTION.md", ["Allison Smith", "What was changed", "Attribution-ShareAlike 3.0"]),
    ],
)
def test_licence_and_attribution_travel_with_the_clips(file, words):
    text = (DEMO_VOICE / file).read_text(encoding="utf-8")
    assert all(word in text for word in words)


def test_attribution_names_the_origin_of_every_clip():
    text = (DEMO_VOICE / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert all(f"| {name} | " in text for name in transcripts())


def test_the_portuguese_voice_has_sixty_clips_of_two_to_five_seconds():
    lines = (DORA_VOICE / "metadata.csv").read_text(encoding="utf-8").splitlines()
    names = [line.partition("|")[0] for line in lines]
    headers = [sf.info(DORA_VOICE / "wavs" / f"{name}.flac") for name in names]
    assert len(set(names)) == 60 == len(list((DORA_VOICE / "wavs").iterdir()))
    assert {(header.samplerate, header.channels, header.format) for header in headers} == {(24000, 1, "FLAC")}
    assert min(header.duration for header in headers) >= 2
    assert max(header.duration for header in headers) <= 5
    assert sum(path.stat().st_size for path in DORA_VOICE.rglob("*") if path.is_file()) < 6e6


def test_its_origin_is_said_plainly():
    text = (DORA_VOICE / "ORIGIN.md").read_text(encoding="utf-8")
    assert all(
        words in text for words in ("Synthetic. No person was recorded.", "Kokoro-82M", "`pf_dora`", "Apache-2.0")
    )


def test_what_it_says_is_what_the_recipe_had_it_say():
    said = [line.partition("|")[2] for line in (DORA_VOICE / "metadata.csv").read_text("utf-8").splitlines()]
    recipe = Path(__file__).parents[2] / "recipes" / "nano" / "dora.txt"
    assert said == recipe.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", DEMO_VOICES)
def test_the_checks_find_nothing_wrong_with_any_voice(name):
    found = check(DEMO_VOICES[name].folder)
    assert found.problems == ()
    assert len(found.clips) == 60

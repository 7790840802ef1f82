import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from escuta.data.checks import check
from escuta.data.clip import Clip
from escuta.data.dataset import Dataset, split
from escuta.data.sentences import Audition, Sentence, choose_audition
from escuta.errors import DataError
from sounds import make_dataset, silence, speechlike


def held_out(*clips: tuple[str, str, float]) -> Dataset:
    """A dataset of clips given as name, text and seconds, all held out."""
    made = tuple(Clip(Path(f"{name}.wav"), text, seconds, line=1) for name, text, seconds in clips)
    return Dataset(train=(), held_out=made)


def refusals(dataset: Dataset, **settings) -> tuple[str, ...]:
    with pytest.raises(DataError) as caught:
        choose_audition(dataset, num_sentences=2, **settings)
    return caught.value.problems


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_reference_is_nearest_to_six_seconds_and_the_others_give_the_sentences():
    dataset = held_out(("a", "One.", 3.5), ("b", "Two.", 6.5), ("c", "Three.", 9.0), ("d", "Four.", 4.0))
    assert choose_audition(dataset, num_sentences=2) == Audition(
        (Sentence("One.", "a"), Sentence("Three.", "c")), reference=Path("b.wav"), reference_text="Two."
    )


def test_a_long_reference_is_better_than_one_below_three_seconds():
    assert choose_audition(held_out(("a", "One.", 2.9), ("b", "Two.", 11.0)), num_sentences=1).reference == Path(
        "b.wav"
    )


def test_among_short_references_the_longest_is_taken():
    assert choose_audition(held_out(("a", "One.", 1.0), ("b", "Two.", 2.0)), num_sentences=1).reference == Path("b.wav")


@pytest.mark.parametrize("same", ["Two words.", "two  WORDS", "“Two words!”", "Two, words…"])
def test_a_text_that_the_reference_says_is_never_spoken(same):
    dataset = held_out(("a", same, 3.0), ("b", "Two words.", 6.0), ("c", "Three.", 9.0))
    assert choose_audition(dataset, num_sentences=2) == Audition(
        (Sentence("Three.", "c"),), Path("b.wav"), "Two words."
    )


def test_a_vowel_sign_makes_another_text():
    dataset = held_out(("a", "की", 3.0), ("b", "का", 6.0))
    assert choose_audition(dataset, num_sentences=1).sentences == (Sentence("की", "a"),)


def test_a_text_is_spoken_once():
    dataset = held_out(("a", "One.", 3.0), ("b", "Two.", 6.0), ("c", "one", 3.0), ("d", "Four.", 3.0))
    sentences = choose_audition(dataset, num_sentences=5).sentences
    assert [sentence.text for sentence in sentences] == ["One.", "Four."]


def test_what_the_model_cannot_speak_is_no_sentence_but_may_be_the_reference():
    dataset = held_out(("a", "One.", 3.0), ("b", "Ω", 6.0), ("c", "Ω Ω", 3.0), ("d", "Four.", 3.0))
    audition = choose_audition(
        dataset, num_sentences=5, text_problems=lambda text: ["unknown character Ω"] if "Ω" in text else []
    )
    assert [sentence.source for sentence in audition.sentences] == ["a", "d"]
    assert audition.reference == Path("b.wav")


def test_another_reference_is_taken_where_the_best_leaves_nothing_to_speak():
    dataset = held_out(("a", "One.", 6.0), ("b", "Ω", 3.0))
    audition = choose_audition(dataset, num_sentences=1, text_problems=lambda text: ["unknown"] if text == "Ω" else [])
    assert audition == Audition((Sentence("One.", "a"),), Path("b.wav"), "Ω")


def test_held_out_clips_that_all_say_the_same_are_refused():
    assert refusals(held_out(("a", "One.", 3.0), ("b", "One!", 6.0))) == (
        "held-out clips: no text but what the reference says; expected a sentence to speak. "
        "Write some in a file and give it as sampling.sentences.",
    )


def test_a_real_dataset_gives_a_reference_and_sentences_of_other_clips(tmp_path):
    dataset = split(check(make_dataset(tmp_path / "voice", 60)))
    audition = choose_audition(dataset, num_sentences=2)
    reference = next(clip for clip in dataset.held_out if clip.audio == audition.reference)
    assert len(audition.sentences) == 2
    assert {sentence.source for sentence in audition.sentences} == {clip.name for clip in dataset.held_out} - {
        reference.name
    }
    assert reference.text not in {sentence.text for sentence in audition.sentences}
    assert choose_audition(dataset, num_sentences=2) == audition


def test_a_file_of_sentences_is_spoken_whole_and_in_order(tmp_path):
    file = tmp_path / "lines.txt"
    file.write_bytes(b"\xef\xbb\xbf# greetings\r\nOl\xc3\xa1!\r\n\r\n  Tudo bem?  \r\nOl\xc3\xa1!\r\n")
    audition = choose_audition(held_out(("a", "One.", 6.0)), num_sentences=1, sentences_file=file)
    assert audition.sentences == (
        Sentence("Olá!", "lines.txt line 2"),
        Sentence("Tudo bem?", "lines.txt line 4"),
        Sentence("Olá!", "lines.txt line 5"),
    )
    assert audition.reference == Path("a.wav")


def test_every_sentence_that_cannot_be_spoken_is_named(tmp_path):
    file = write(tmp_path / "lines.txt", "good\nΩ\ngood\nΩΩ\n")
    problems = refusals(
        held_out(("a", "One.", 6.0)),
        sentences_file=file,
        text_problems=lambda text: ["unknown character Ω"] if "Ω" in text else [],
    )
    assert problems == (
        f"{file} line 2: cannot be spoken; unknown character Ω. Change it.",
        f"{file} line 4: cannot be spoken; unknown character Ω. Change it.",
    )


def test_a_file_without_a_sentence_is_refused(tmp_path):
    file = write(tmp_path / "lines.txt", "# nothing\n\n")
    assert refusals(held_out(("a", "One.", 6.0)), sentences_file=file) == (
        f"{file}: holds no sentence; expected one a line. Write some.",
    )


def test_a_missing_file_of_sentences_is_refused(tmp_path):
    assert refusals(held_out(("a", "One.", 6.0)), sentences_file=tmp_path / "gone.txt") == (
        f"{tmp_path / 'gone.txt'}: cannot be opened; No such file or directory. Check its name and who may read it.",
    )


def test_sentences_of_a_file_avoid_the_reference_that_says_them(tmp_path):
    file = write(tmp_path / "lines.txt", "one\n")
    dataset = held_out(("a", "One.", 6.0), ("b", "Two.", 3.0))
    assert choose_audition(dataset, num_sentences=1, sentences_file=file).reference == Path("b.wav")


def test_sentences_that_every_reference_says_are_refused(tmp_path):
    file = write(tmp_path / "lines.txt", "one\ntwo\n")
    assert refusals(held_out(("a", "One.", 6.0), ("b", "Two.", 3.0)), sentences_file=file) == (
        f"{file}: every reference to choose from says one of its sentences; expected others. "
        "Change them, or give another reference.",
    )


def test_a_reference_of_the_users_leaves_all_held_out_texts_to_speak(tmp_path):
    dataset = split(check(make_dataset(tmp_path / "voice", 5)))
    path = tmp_path / "voice.mp3"
    soundfile.write(path, speechlike(2), 22050)
    audition = choose_audition(dataset, num_sentences=9, reference_file=path)
    assert audition.reference == path
    assert [sentence.source for sentence in audition.sentences] == [clip.name for clip in dataset.held_out]


@pytest.mark.parametrize("copied", [False, True])
def test_a_reference_taken_from_the_dataset_takes_its_text_away(tmp_path, copied):
    dataset = split(check(make_dataset(tmp_path / "voice", 5)))
    first, second = dataset.held_out
    path = Path(shutil.copy(first.audio, tmp_path / "mine.wav")) if copied else first.audio
    audition = choose_audition(dataset, num_sentences=9, reference_file=path)
    assert audition == Audition((Sentence(second.text, second.name),), path, first.text)


def test_a_text_of_the_training_clip_that_is_the_reference_is_not_spoken(tmp_path):
    folder = make_dataset(tmp_path / "voice", 5)
    dataset = split(check(folder))
    first, second = dataset.held_out
    learned = Clip(dataset.train[0].audio, first.text, 3.0, line=9)
    dataset = Dataset(train=(learned,), held_out=dataset.held_out)
    audition = choose_audition(dataset, num_sentences=9, reference_file=learned.audio)
    assert [sentence.source for sentence in audition.sentences] == [second.name]


@pytest.mark.parametrize(
    ("wav_T", "problem"),
    [
        (speechlike(0.4), "lasts 0.4 s; expected a reference of 1 s or more. Choose a longer one."),
        (silence(2), "silent; expected a voice to clone. Choose another one."),
        (np.zeros(0, np.float32), "holds no sound; expected speech. Record it again."),
    ],
)
def test_a_reference_without_a_voice_is_refused(tmp_path, wav_T, problem):
    path = tmp_path / "reference.wav"
    soundfile.write(path, wav_T, 22050)
    assert refusals(held_out(("a", "One.", 6.0)), reference_file=path) == (f"{path}: {problem}",)


def test_what_a_recording_of_ones_own_says_can_be_given(tmp_path):
    dataset = split(check(make_dataset(tmp_path / "voice", 5)))
    path = tmp_path / "own.wav"
    soundfile.write(path, speechlike(2, seed=99), 22050)

    for given in ("What it says.", None):
        audition = choose_audition(dataset, num_sentences=1, reference_file=path, reference_text=given)
        assert audition.reference_text == given

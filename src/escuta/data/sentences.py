"""What every checkpoint of a run speaks, and in whose voice.

A sentence is never spoken with a reference in which it is said: the model would repeat what it has just heard, and the
sample would tell nothing of the checkpoint.
"""

import filecmp
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from escuta.audio.files import decode
from escuta.data.checks import SILENT_DB, TextProblems, peak_db
from escuta.data.clip import Clip
from escuta.data.dataset import Dataset
from escuta.data.textfile import read_text
from escuta.errors import DataError
from escuta.messages import _

BEST_REFERENCE_SECONDS = 6.0  # the least that XTTS-v2's own page asks for
ENOUGH_REFERENCE_SECONDS = 3.0  # the shortest conditioning crop of the XTTS-v2 recipe, 66150 samples at 22050 Hz
MIN_REFERENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text that every checkpoint speaks."""

    text: str
    source: str
    """Where it is from: the name of a held-out clip, or a file and its line."""


@dataclass(frozen=True, slots=True)
class Audition:
    """What every checkpoint speaks, the same all through a run."""

    sentences: tuple[Sentence, ...]
    reference: Path
    """The recording whose voice is cloned."""
    reference_text: str | None = None
    """What it says, where that is known."""


def choose_audition(
    dataset: Dataset,
    *,
    num_sentences: int,
    text_problems: TextProblems | None = None,
    sentences_file: Path | None = None,
    reference_file: Path | None = None,
    reference_text: str | None = None,
) -> Audition:
    """Choose sentences and a reference; what the user does not give comes from held-out clips.

    The reference is then the held-out clip nearest to 6 s, and the sentences are the texts of the others.

    Args:
        dataset: Its held-out clips are chosen from.
        num_sentences: Held-out texts to speak; fewer when there are fewer. Of a file, every sentence is spoken.
        text_problems: What keeps a text from being spoken, as phrases; None speaks every text.
        sentences_file: One sentence a line in UTF-8; blank lines and lines that begin with # are skipped.
        reference_file: Any recording of 1 s or more.
        reference_text: What it says; where it is a clip's own recording, that is known.

    Raises:
        DataError: A file cannot be used, with all its problems, or nothing is left to speak with the reference.
    """
    text_problems = text_problems or (lambda _text: [])
    if reference_file:
        _refuse_reference(reference_file)
        clips = (*dataset.train, *dataset.held_out)
        texts = [clip.text for clip in clips if filecmp.cmp(reference_file, clip.audio, shallow=False)]
        voices = [(reference_file, reference_text or next(iter(texts), None), set(map(_letters, texts)))]
    else:
        by_rank = sorted(dataset.held_out, key=_reference_rank)
        voices = [(clip.audio, clip.text, {_letters(clip.text)}) for clip in by_rank]

    if sentences_file:
        sentences = read_sentences(sentences_file, text_problems)
        asked = {_letters(sentence.text) for sentence in sentences}
        for reference, its_text, said in voices:
            if asked.isdisjoint(said):
                return Audition(sentences, reference, its_text)
        raise DataError(
            _(
                "{file}: every reference to choose from says one of its sentences; expected others. "
                "Change them, or give another reference."
            ).format(file=sentences_file)
        )

    speakable = [clip for clip in dataset.held_out if not text_problems(clip.text)]
    for reference, its_text, said in voices:
        if sentences := _unsaid(speakable, said):
            return Audition(sentences[:num_sentences], reference, its_text)
    raise DataError(
        _(
            "held-out clips: no text but what the reference says; expected a sentence to speak. "
            "Write some in a file and give it as sampling.sentences."
        )
    )


def read_sentences(file: Path, text_problems: TextProblems) -> tuple[Sentence, ...]:
    """Read a file of sentences, one a line in UTF-8; blank lines and lines that begin with # are skipped.

    Raises:
        DataError: It cannot be read or holds none, or some cannot be spoken; all problems are named.
    """
    lines = enumerate((line.strip() for line in read_text(file, str(file)).split("\n")), start=1)
    spoken = [(number, line) for number, line in lines if line and not line.startswith("#")]
    problems = [
        _("{file} line {line}: cannot be spoken; {phrase}. Change it.").format(file=file, line=number, phrase=phrase)
        for number, line in spoken
        for phrase in text_problems(line)
    ]
    if not spoken:
        problems = [_("{file}: holds no sentence; expected one a line. Write some.").format(file=file)]
    if problems:
        raise DataError(*problems)
    return tuple(Sentence(line, _("{file} line {line}").format(file=file.name, line=number)) for number, line in spoken)


def _unsaid(clips: Iterable[Clip], said: set[str]) -> tuple[Sentence, ...]:
    """Take each text once, and none that is said in the reference."""
    sentences: dict[str, Sentence] = {}
    for clip in clips:
        sentences.setdefault(_letters(clip.text), Sentence(clip.text, clip.name))
    return tuple(sentence for letters, sentence in sentences.items() if letters not in said)


def _reference_rank(clip: Clip) -> tuple[bool, float, str]:
    return clip.seconds < ENOUGH_REFERENCE_SECONDS, abs(clip.seconds - BEST_REFERENCE_SECONDS), clip.name


def _letters(text: str) -> str:
    """Reduce a text to its letters and numbers: two texts that sound alike should be the same."""
    text = unicodedata.normalize("NFC", text.casefold())
    return "".join(character for character in text if unicodedata.category(character)[0] in "LMN")


def _refuse_reference(file: Path) -> None:
    wav_T, sample_rate = decode(file)
    seconds = len(wav_T) / sample_rate
    if seconds < MIN_REFERENCE_SECONDS:
        raise DataError(
            _(
                "{file}: lasts {seconds:.1f} s; expected a reference of {least:g} s or more. Choose a longer one."
            ).format(file=file, seconds=seconds, least=MIN_REFERENCE_SECONDS)
        )
    if peak_db(wav_T) < SILENT_DB:
        raise DataError(_("{file}: silent; expected a voice to clone. Choose another one.").format(file=file))

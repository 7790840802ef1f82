"""Write down what a recogniser hears in every clip: `python -m recipes.nano.recognise` writes recognised.jsonl.

Started again, it goes on with the clips that were spoken since. What the committed manifest says of a clip is taken
from there: it was heard when the manifest was made.
"""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import soxr
from recipes.nano.manifest import MANIFEST, read_manifest
from recipes.nano.texts import read_plan
from recipes.nano.work import append_row, arguments, read_rows

from escuta.text.normalise import normalise

WHISPER_RATE = 16000


def main() -> None:
    """Listen to every clip that nobody has listened to, and print the mean error of the last ones."""
    parser = arguments(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--manifest", type=Path, default=MANIFEST, help="what was heard before; need not be there")
    chosen = parser.parse_args()
    work: Path = chosen.work
    recogniser = load(work / "whisper", chosen.threads)
    plan = {row["id"]: row for row in read_plan(work)}
    heard = {row["id"] for row in read_rows(work / "recognised.jsonl")}
    before = heard_before(plan, chosen.manifest)
    errors: list[float] = []
    for id_ in to_hear(plan, read_rows(work / "spoken.jsonl"), heard):
        if id_ in before:
            append_row(work / "recognised.jsonl", {"id": id_, "cer": before[id_]})
            heard.add(id_)
            continue
        text = recognise(recogniser, work / "audio" / f"{id_}.flac", plan[id_]["language"])
        cer = character_error_rate(plan[id_]["text"], text, plan[id_]["language"])
        append_row(work / "recognised.jsonl", {"id": id_, "cer": round(cer, 4), "heard": text})
        heard.add(id_)
        errors.append(cer)
        if len(errors) % 50 == 0:
            print(
                f"{len(heard)} clips heard, character error rate of the last 50: {np.mean(errors[-50:]):.3f}",
                flush=True,
            )
    print(f"{len(heard)} clips heard")


def to_hear(plan: dict[str, dict[str, Any]], spoken: Iterable[dict[str, Any]], heard: set[str]) -> list[str]:
    """The clips to listen to: not eSpeak's, which are there for rare words, and those a recogniser misreads."""
    kokoros = [row["id"] for row in spoken if row["seconds"] and plan[row["id"]]["split"] != "spelling"]
    return [id_ for id_ in kokoros if id_ not in heard]


def heard_before(plan: dict[str, dict[str, Any]], manifest: Path) -> dict[str, float]:
    """The character error rates that a manifest has of clips of this plan."""
    if not manifest.exists():
        return {}
    said = ("language", "voice", "speed", "text")
    rows = [row for row in read_manifest(manifest) if row["id"] in plan and row["cer"] is not None]
    return {row["id"]: row["cer"] for row in rows if all(row[name] == plan[row["id"]][name] for name in said)}


def load(folder: Path, num_threads: int) -> Any:
    """The recogniser."""
    from faster_whisper import WhisperModel

    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=num_threads, local_files_only=True)


def recognise(recogniser: Any, clip: Path, language: str) -> str:
    """What is said in a clip, the same at every call."""
    wav_T, sample_rate = sf.read(clip, dtype="float32")
    wav_T = soxr.resample(wav_T, sample_rate, WHISPER_RATE)
    settings = {"beam_size": 2, "temperature": 0.0, "condition_on_previous_text": False, "without_timestamps": True}
    segments, _ = recogniser.transcribe(wav_T, language=language, **settings)
    return " ".join(segment.text.strip() for segment in segments)


def character_error_rate(said: str, heard: str, language: str) -> float:
    """Edits that turn what was heard into what was said, over the characters of the latter, in letters alone."""
    wanted, found = plain(said, language), plain(heard, language)
    return edit_distance(wanted, found) / max(1, len(wanted))


def plain(text: str, language: str) -> str:
    """The text as the model reads it, without marks, accents and case."""
    letters = unicodedata.normalize("NFKD", normalise(text, language))
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.findall(r"\w+", letters.replace("'", "").replace("’", "")))


def edit_distance(wanted: str, found: str) -> int:
    """The least number of insertions, deletions and substitutions."""
    row = list(range(len(found) + 1))
    for i, letter in enumerate(wanted, 1):
        previous, row = row, [i]
        for j, other in enumerate(found, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (letter != other)))
    return row[-1]


if __name__ == "__main__":
    main()

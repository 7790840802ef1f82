"""Decide which clips are kept and write them all down: `python -m recipes.nano.manifest` writes manifest.jsonl.gz."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from recipes.nano.texts import read_plan
from recipes.nano.work import HERE, arguments, line, publish, read_rows

MANIFEST = HERE / "manifest.jsonl.gz"
MAX_CER = 0.10  # of what the recogniser hears
CLIP_SECONDS = (1.0, 11.0)  # XTTS trains on clips up to 11.6 s


def main() -> None:
    """Write the manifest and print how much of each split and language is kept."""
    parser = arguments(__doc__)
    parser.add_argument("--out", type=Path, default=MANIFEST, help="the file to write")
    chosen = parser.parse_args()
    clips = list(judged(chosen.work, read_manifest()))
    publish(chosen.out, gzip.compress("".join(map(line, clips)).encode(), mtime=0))
    print_figures(clips)


def judged(work: Path, earlier: Iterable[dict[str, Any]] = ()) -> Iterator[dict[str, Any]]:
    """Every clip that was spoken, in the order of the plan, with `dropped`: why, or an empty text.

    The character error rate of a clip that nobody listened to yet is None, and no reason to drop it.

    Args:
        work: Where clips were spoken.
        earlier: Rows of clips spoken in other work folders, which the model that ships learned from before; they stay
            where nobody listened here.
    """
    elsewhere = {row["id"]: row for row in earlier}
    seconds = {row["id"]: row["seconds"] for row in read_rows(work / "spoken.jsonl")}
    cer = {row["id"]: row["cer"] for row in read_rows(work / "recognised.jsonl")}
    for row in read_plan(work):
        if row["id"] in elsewhere and row["id"] not in cer:
            yield elsewhere[row["id"]]
        elif row["id"] in seconds:
            found = {"seconds": seconds[row["id"]], "cer": cer.get(row["id"])}
            yield row | found | {"dropped": why_dropped(**found)}


def why_dropped(seconds: float, cer: float | None) -> str:
    """The reason to leave a clip out; empty where there is none."""
    if cer is not None and cer > MAX_CER:
        return "misheard"
    if not CLIP_SECONDS[0] <= seconds <= CLIP_SECONDS[1]:
        return "too short" if seconds < CLIP_SECONDS[0] else "too long"
    return ""


def read_manifest(path: Path = MANIFEST) -> list[dict[str, Any]]:
    """The committed manifest, or another; nothing where there is none."""
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(text) for text in file]


def print_figures(clips: list[dict[str, Any]]) -> None:
    """What was kept and what was not, by split and language, and the voices that were misheard most."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    voices: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for clip in clips:
        groups[clip["split"], clip["language"]].append(clip)
        voices[clip["language"], clip["voice"]].append(clip)
    for (split, language), group in sorted(groups.items()):
        kept = [clip for clip in group if not clip["dropped"]]
        hours = sum(clip["seconds"] for clip in kept) / 3600
        cer = [clip["cer"] for clip in group if clip["cer"] is not None]
        error = f"error of {len(cer)} heard {sum(cer) / max(1, len(cer)):.3f}"
        print(f"{split:10} {language} kept {len(kept):5} of {len(group):5}, {hours:.2f} h, {error}")
    dropped = {voice: sum(bool(clip["dropped"]) for clip in group) / len(group) for voice, group in voices.items()}
    for (language, voice), share in sorted(dropped.items(), key=lambda item: -item[1])[:10]:
        print(f"{share:.0%} of {len(voices[language, voice])} clips of {voice} in {language} dropped")


if __name__ == "__main__":
    main()

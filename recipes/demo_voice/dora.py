"""Make the demo's Portuguese voice: `python -m recipes.demo_voice.dora` takes what nano's recipe has spoken of it.

The clips are Kokoro's own, byte for byte: FLAC, 24 kHz, mono. `recipes.nano.synthesise` makes them first, before all
else of its plan, and `recipes.nano.recognise` listens to them.
"""

import statistics
from pathlib import Path
from typing import Any

from recipes.nano.texts import read_plan
from recipes.nano.work import arguments, publish, read_rows

HERE = Path(__file__).parent
DORA_VOICE = HERE.parents[1] / "src" / "escuta" / "data" / "dora_voice"


def main() -> None:
    """Write the folder, and say how much there is."""
    parser = arguments(__doc__)
    parser.add_argument("--out", type=Path, default=DORA_VOICE, help="the folder to write")
    chosen = parser.parse_args()
    rows = [row for row in read_plan(chosen.work) if row["split"] == "dora"]
    for row in rows:
        clip = (chosen.work / "audio" / f"{row['id']}.flac").read_bytes()
        publish(chosen.out / "wavs" / f"{row['id']}.flac", clip)
    publish(chosen.out / "metadata.csv", "".join(f"{row['id']}|{row['text']}\n" for row in rows).encode())
    publish(chosen.out / "ORIGIN.md", origin(chosen.work, rows).encode())
    print(f"{len(rows)} clips, {seconds_of(chosen.work, rows):.1f} s")


def origin(work: Path, rows: list[dict[str, Any]]) -> str:
    """Say where the clips are from, and how well a recogniser reads them back."""
    heard = {row["id"]: row["cer"] for row in read_rows(work / "recognised.jsonl")}
    errors = {row["id"]: heard[row["id"]] for row in rows}
    template = (HERE / "dora_origin.md").read_text(encoding="utf-8")
    return template.format(
        num_clips=len(rows),
        minutes=f"{seconds_of(work, rows) / 60:.1f}",
        percent=f"{100 * statistics.mean(errors.values()):.1f}",
        worst=f"{100 * max(errors.values()):.0f}",
        num_exact=sum(error == 0 for error in errors.values()),
    )


def seconds_of(work: Path, rows: list[dict[str, Any]]) -> float:
    """How long they last together."""
    seconds = {row["id"]: row["seconds"] for row in read_rows(work / "spoken.jsonl")}
    return sum(seconds[row["id"]] for row in rows)


if __name__ == "__main__":
    main()

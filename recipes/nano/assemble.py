"""Put nano together from what its stages learned so far: `python -m recipes.nano.assemble --out FOLDER`.

One file of 16-bit weights, its config and vocabulary, and a card that says what it was made of and how good it is.
"""

from pathlib import Path
from typing import Any

from recipes.nano.manifest import judged, read_manifest
from recipes.nano.sizes import nano_config
from recipes.nano.stage import latest_figures, learned
from recipes.nano.voices import UNHEARD
from recipes.nano.work import HERE, arguments, publish
from torch import Tensor

from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.weights import PREFIXES, Part, save_base, shapes_of

SHIPPED = HERE.parent.parent / "src" / "escuta" / "models" / "nano"
IN_FULL = ("mel_stats",)  # what keeps 32 bits

CARD = """# Nano

A small XTTS for learning, trying and testing, in English and Portuguese: the architecture of XTTS-v2 with {millions}
million weights instead of 470. It was made by `recipes/nano`, from nothing.

**Everything it learned from is synthetic.** No person was recorded: Kokoro-82M spoke {hours:.1f} hours, {clips}
clips in {voices} voices, of which {blends} are blends of two. Never heard in training: {unheard}.
Its language model also heard eSpeak NG say {espeak_clips} clips, {espeak_hours:.1f} hours, for their words.
What nano says is synthetic speech of the second generation; it is meant to show that fine-tuning works, not to be
published.

## How good it is

<!-- nano -->
Not measured as a whole yet; `make bench-nano` does.
<!-- end -->

What its stages say of speech that they never heard:

{scores}

## Limits

- Some of its words cannot be made out: it learned from few hours of speech, on two cores.
- English and Portuguese alone, and best in short sentences of everyday words.
- Voices unlike Kokoro's, those of people above all, are cloned roughly before fine-tuning.
- coqui-tts cannot load it: its sizes are in `config.json`, where coqui-tts reads only some of them.

## Licence

The weights: Apache-2.0, as escuta. They were learned from the output of Kokoro-82M (Apache-2.0) and of eSpeak NG
(GPL-3.0, which does not extend to what it says), saying sentences of our own, of WordNet 3.0 (WordNet licence), of the
Debian Administrator's Handbook and of GNOME's help (CC-BY-SA-3.0).
`recipes/nano/README.md` tells where each comes from, and the manifest beside it lists every clip.
"""


def main() -> None:
    """Write the folder, and say how large it is."""
    parser = arguments(__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    chosen = parser.parse_args()
    assemble(chosen.work, chosen.out, nano_config())
    megabytes = sum(path.stat().st_size for path in chosen.out.iterdir() if path.is_file()) / 1e6
    print(f"{chosen.out}: {megabytes:.1f} MB")


def assemble(work: Path, out: Path, config: XttsConfig) -> None:
    """Write model.safetensors, config.json, vocab.json and CARD.md."""
    tensors = gathered(work)
    wanted = shapes_of(config, tuple(PREFIXES))
    shipped = {name: shortened(name, tensors[name]) for name in wanted}
    save_base(out, config, shipped, (work / "vocab.json").read_text(encoding="utf-8"))
    publish(out / "CARD.md", card(work, sum(tensor.numel() for tensor in shipped.values())).encode())


def gathered(work: Path) -> dict[str, Tensor]:
    """All that was learned, under the release's names; some of it does not ship."""
    dvae = learned(work, "gpt", "dvae")  # the one whose codes the language model speaks
    parts: dict[Part, dict[str, Tensor]] = {
        "gpt": learned(work, "gpt"),
        "decoder": within(learned(work, "decoder"), "decoder."),
        "speaker_encoder": learned(work, "speaker_encoder"),
        "dvae": within(dvae, "dvae."),
    }
    named = {f"{PREFIXES[part]}{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}
    return named | {"mel_stats": dvae["mel_stats"]}


def within(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """One module's part of a state, under the module's own names."""
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def shortened(name: str, tensor: Tensor) -> Tensor:
    """In 16 bits, where that is enough."""
    return tensor.half() if tensor.is_floating_point() and name not in IN_FULL else tensor


def card(work: Path, num_weights: int) -> str:
    """Say what nano was made of, and what the stages last measured on clips they never heard."""
    kept = [row for row in judged(work, read_manifest()) if not row["dropped"]]
    clips, espeaks = ([row for row in kept if row["split"] == split] for split in ("train", "spelling"))
    voices = {row["voice"] for row in clips}
    return CARD.format(
        millions=round(num_weights / 1e6),
        hours=hours(clips),
        clips=len(clips),
        espeak_hours=hours(espeaks),
        espeak_clips=len(espeaks),
        voices=len(voices),
        blends=sum("+" in voice for voice in voices),
        unheard=", ".join(sorted(UNHEARD)),
        scores=table(latest_figures(work)),
    )


def hours(clips: list[dict[str, Any]]) -> float:
    """How long they last."""
    return float(sum(row["seconds"] for row in clips) / 3600)


def table(rows: list[dict[str, Any]]) -> str:
    """Figures of stages, a line each."""
    lines = ["| stage | steps | figure | value |", "| --- | --- | --- | --- |"]
    for row in rows:
        figures = [name for name in row if name not in ("stage", "step")]
        lines += [f"| {row['stage']} | {row['step']} | {name.replace('_', ' ')} | {row[name]:g} |" for name in figures]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

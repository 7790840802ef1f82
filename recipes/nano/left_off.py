"""Go on from the model that ships, where the work folder is gone: `python -m recipes.nano.left_off`.

What ships holds averages alone. The little that is needed besides to make them better is in left_off.safetensors, which
`--keep` writes: the layer that tells the sound from latents, the judges, how many steps each stage took, and what it
last said of held-out clips. Optimizers begin anew. The DVAE and the speaker encoder are what they are: nothing here
lets them learn on.
"""

import json
from pathlib import Path

from recipes.nano.assemble import SHIPPED
from recipes.nano.stage import FIGURES, latest_figures, learned, read_stage, save_stage, stage_file
from recipes.nano.work import HERE, arguments, publish, write_rows
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from escuta.models.xtts.weights import Part, load_weights

LEFT_OFF = HERE / "left_off.safetensors"
STAGES: tuple[Part, ...] = ("dvae", "speaker_encoder", "gpt", "decoder")
SOUND, JUDGES = "sound.", "judges."


def main() -> None:
    """Put back the stages that are not there, or keep what they are put back with."""
    parser = arguments(__doc__)
    parser.add_argument("--keep", action="store_true", help="write left_off.safetensors instead")
    parser.add_argument("--shipped", type=Path, default=SHIPPED, help="folder of the model")
    parser.add_argument("--file", type=Path, default=LEFT_OFF)
    chosen = parser.parse_args()
    if chosen.keep:
        keep(chosen.work, chosen.file)
    elif (chosen.shipped / "model.safetensors").exists() and chosen.file.exists():
        restore(chosen.work, chosen.shipped, chosen.file)


def keep(work: Path, file: Path) -> None:
    """Write what does not ship and is needed to go on."""
    gpt, judges = learned(work, "gpt"), learned(work, "decoder", "judges")
    tensors = {name: gpt[name] for name in gpt if name.startswith(SOUND)}
    tensors |= {f"{JUDGES}{name}": tensor for name, tensor in judges.items()}
    steps = {name: str((read_stage(work, name) or {})["step"]) for name in STAGES}
    figures = {FIGURES: json.dumps(latest_figures(work))}
    publish(file, save({name: tensor.half().contiguous() for name, tensor in tensors.items()}, steps | figures))


def restore(work: Path, shipped: Path, file: Path) -> None:
    """Write WORK/stages/NAME.pt of every stage that has none, and the vocabulary."""
    weights = load_weights(shipped)
    with safe_open(file, "pt") as kept:
        said = kept.metadata()
        besides = {name: kept.get_tensor(name).float() for name in kept.keys()}  # noqa: SIM118
    sound = {name: besides[name] for name in besides if name.startswith(SOUND)}
    judges = {name.removeprefix(JUDGES): besides[name] for name in besides if name.startswith(JUDGES)}
    dvae = _under("dvae.", weights.part("dvae")) | {"mel_stats": weights.tensors["mel_stats"]}
    gpt, voices = weights.part("gpt") | sound, _under("decoder.", weights.part("decoder"))
    parts = {
        "dvae": {"average": dvae},
        "speaker_encoder": {"average": weights.part("speaker_encoder")},
        "gpt": {"student": gpt, "average": gpt, "dvae": dvae},
        "decoder": {"voices": voices, "average": voices, "judges": judges},
    }
    for name in STAGES:
        if not stage_file(work, name).exists():
            save_stage(work, name, int(said[name]), parts[name])
            print(f"{name}: goes on from the model that ships, after {said[name]} steps")
    if not (work / "vocab.json").exists():
        publish(work / "vocab.json", (shipped / "vocab.json").read_bytes())
    if not (work / FIGURES).exists():
        write_rows(work / FIGURES, json.loads(said[FIGURES]))


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


if __name__ == "__main__":
    main()

"""What samples scored, made up for tests."""

import json

from escuta.run.folder import RunFolder
from escuta.scoring.scored import Scored

TEXTS = tuple(f"Sentence {number}." for number in range(1, 9))


def scored(name: str = "epoch_1", *, val_loss: float | None = None, **scores: object) -> Scored:
    """A checkpoint whose sentences scored so: a number for all, a number each, or several seeds each."""
    epoch = int(name.rpartition("_")[2])
    by_sentence = {score: _by_sentence(values) for score, values in scores.items()}
    return Scored(name, epoch, 4 * epoch, by_sentence, val_loss)


def write_scored(run: RunFolder, one: Scored) -> None:
    """Write the files of a sample that scored so, wavs and all."""
    texts = dict.fromkeys(text for values in one.scores.values() for text in values)
    files = []
    for number, text in enumerate(texts, 1):
        seeds = max(len(values.get(text, ())) for values in one.scores.values())
        for seed in range(seeds):
            of_seed = {name: values[text][seed] for name, values in one.scores.items() if len(values[text]) > seed}
            file = f"{one.name}_output_{number:02d}_seed_{seed}.wav"
            files.append({"file": file, "text": text, "seed": seed, "heard": None, "scores": of_seed})
    run.samples.mkdir(parents=True, exist_ok=True)
    for file in (*(entry["file"] for entry in files), f"{one.name}_reference.wav"):
        (run.samples / str(file)).write_bytes(one.name.encode())
    about = {"name": one.name, "reference": f"{one.name}_reference.wav", "sentences": files}
    (run.samples / f"{one.name}.json").write_text(json.dumps(about))
    scores = {"format": 1, "name": one.name, "epoch": one.epoch, "step": one.step, "files": files, "mean": {}}
    (run.samples / f"{one.name}.scores.json").write_text(json.dumps(scores))


def _by_sentence(values: object) -> dict[str, tuple[float, ...]]:
    of_each = list(values) if isinstance(values, list | tuple) else [values] * len(TEXTS)
    seeds = [tuple(one) if isinstance(one, list | tuple) else (one,) for one in of_each]
    return dict(zip(TEXTS, seeds, strict=False))

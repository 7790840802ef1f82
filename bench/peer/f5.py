"""The peer's half of `bench.f5`: f5-tts, which loads once, then speaks or learns as each line of its input asks.

    .venv-peer-f5/bin/python bench/peer/f5.py FOLDER --reference voice.wav --threads 2 speaking|training

A line is `{"texts": …, "steps": …}` for the one, anything for the other; the answer is
`{"seconds": …, "frames": […], "peak_bytes": …}`. Texts are spoken one after another, for f5-tts has no other way.
A step of training is that of its trainer: the loss of its CFM, the way back, shortened gradients, AdamW, and its EMA.
"""

import argparse
import json
import random
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile
import torch
import yaml
from coqui import do_without_torchaudio_extension  # type: ignore[import-not-found]

from sampling import peak_bytes  # type: ignore[import-not-found]

BATCH_SIZE = 2
GUIDANCE = 2.0
HOP = 256


def main() -> None:
    """Load, then answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("speaking", "training"))
    parser.add_argument("folder", type=Path, help="what escuta exported")
    parser.add_argument("--reference", type=Path, required=True, help="recording of the voice")
    parser.add_argument("--reference-text", required=True)
    parser.add_argument("--seconds", type=float, required=True, help="of each sentence, and of each of two clips")
    parser.add_argument("--threads", type=int, required=True)
    asked = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # f5-tts prints

    do_without_torchaudio_extension()
    recogniser = types.ModuleType("transformers")  # for recordings whose text nobody knows
    recogniser.__dict__["pipeline"] = None
    sys.modules["transformers"] = recogniser
    torch.set_num_threads(asked.threads)
    answer = (_speaker if asked.what == "speaking" else _learner)(asked)
    for line in sys.stdin:
        started = time.perf_counter()
        found = answer(line)
        found["seconds"] = time.perf_counter() - started
        print(json.dumps({**found, "peak_bytes": peak_bytes()}), file=answers, flush=True)


def _model(folder: Path) -> Any:
    from f5_tts.infer.utils_infer import load_model  # type: ignore[import-not-found]
    from f5_tts.model import DiT  # type: ignore[import-not-found]

    sizes = yaml.safe_load((folder / "architecture.yaml").read_text())["model"]["arch"]
    model_file, vocabulary = str(folder / "model_last.safetensors"), str(folder / "vocab.txt")
    return load_model(DiT, sizes, model_file, vocab_file=vocabulary, device="cpu")


def _speaker(asked: argparse.Namespace) -> Callable[[str], dict[str, Any]]:
    from f5_tts.infer.utils_infer import infer_batch_process
    from vocos import Vocos  # type: ignore[import-not-found]

    model = _model(asked.folder)
    vocoder = Vocos.from_hparams(str(asked.folder / "vocos" / "config.yaml"))
    learned = torch.load(asked.folder / "vocos" / "pytorch_model.bin", weights_only=True)
    assert not vocoder.load_state_dict(learned, strict=False).unexpected_keys
    wav_T, rate = soundfile.read(asked.reference, dtype="float32")
    wav_1T = torch.from_numpy(wav_T)[None]
    wavs = Path(tempfile.mkdtemp())

    def speak(line: str) -> dict[str, Any]:
        request = json.loads(line)
        frames = []
        for number, text in enumerate(request["texts"]):
            said_T, said_rate, _mel = next(
                infer_batch_process(
                    (wav_1T, rate),
                    f"{asked.reference_text} ",
                    [text],
                    model,
                    vocoder.eval(),
                    progress=None,
                    nfe_step=request["steps"],
                    cfg_strength=GUIDANCE,
                    fix_duration=len(wav_T) / rate + asked.seconds,
                    device="cpu",
                )
            )
            soundfile.write(wavs / f"{number}.wav", said_T, said_rate)
            frames.append(len(said_T) // HOP)
        return {"frames": frames}

    return speak


def _learner(asked: argparse.Namespace) -> Callable[[str], dict[str, Any]]:
    from ema_pytorch import EMA  # type: ignore[import-not-found]

    model = _model(asked.folder).train()
    mean = EMA(model, include_online_model=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=7.5e-5, fused=True)
    random.seed(0)
    torch.manual_seed(0)
    num_frames = int(asked.seconds * 24_000 / HOP)
    mel_BMF = torch.randn(BATCH_SIZE, num_frames, 100)
    texts = [list("abcdefghijkl") * int(asked.seconds)] * BATCH_SIZE
    lengths = torch.full((BATCH_SIZE,), num_frames)

    def step(_line: str) -> dict[str, Any]:
        loss, _given, _guessed = model(mel_BMF, text=texts, lens=lengths)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        mean.update()
        return {"loss": loss.item()}

    return step


if __name__ == "__main__":
    main()

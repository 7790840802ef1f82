"""Our half of `bench.f5`: loads once, then speaks or learns as each line of its input asks, as the peer's half does.

python -m bench.f5_half speaking|training FOLDER --reference voice.wav --reference-text … --seconds 7 --threads 2
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from bench.machine import memory
from bench.models import usual_precision
from escuta.audio.files import write_wav
from escuta.audio.mel import VOCOS
from escuta.models.base import Generation
from escuta.models.f5.config import NUM_MEL_BINS
from escuta.models.f5.model import load_f5
from escuta.models.f5.pace import EDGE_SECONDS, units
from escuta.sampling.speaking import read_reference
from escuta.settings import TrainingSettings
from escuta.training.learner import Learner

BATCH_SIZE = 2
LANGUAGE = "en"
EMA_DECAY = 0.9999
"""As f5-tts averages; ema-pytorch's own."""


def main() -> None:
    """Load, then answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("speaking", "training"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reference", type=Path, required=True, help="recording of the voice")
    parser.add_argument("--reference-text", required=True)
    parser.add_argument("--seconds", type=float, required=True, help="of each sentence, and of each of two clips")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    answer = (_speaker if asked.what == "speaking" else _learner)(asked)
    for line in sys.stdin:
        started = time.perf_counter()
        found = answer(line)
        found["seconds"] = time.perf_counter() - started
        print(json.dumps({**found, **memory()}), flush=True)


def _speaker(asked: argparse.Namespace) -> Callable[[str], dict[str, Any]]:
    model = load_f5(asked.folder, uses=["speaking"], device=asked.device)
    model.pack(usual_precision(asked.device, "f5"))
    reference = read_reference(model, asked.reference, asked.reference_text)
    wavs = Path(tempfile.mkdtemp())

    def speak(line: str) -> dict[str, Any]:
        request = json.loads(line)
        texts = request["texts"]
        pace = (asked.seconds - EDGE_SECONDS) / units(texts[0])
        spoken = model.speak_all(
            texts,
            {**reference, "pace": torch.tensor(pace)},
            language=LANGUAGE,
            generation=Generation(steps=request["steps"], guidance=2.0),
            seed=0,
        )
        for number, one in enumerate(spoken):
            write_wav(wavs / f"{number}.wav", one.wav_T.numpy(), one.sample_rate, source_rate=one.sample_rate)
        return {"frames": [one.num_codes for one in spoken]}

    return speak


def _learner(asked: argparse.Namespace) -> Callable[[str], dict[str, Any]]:
    model = load_f5(asked.folder, uses=["training"], device="cpu")
    settings = TrainingSettings(device="cuda" if asked.device == "cuda" else "cpu", ema_decay=EMA_DECAY)
    learner = Learner(model, settings, seed=0)
    num_frames = int(asked.seconds * VOCOS.sample_rate / VOCOS.hop)
    draw = torch.Generator().manual_seed(0)
    clips = [
        {
            "text": torch.randint(1, 60, [int(12 * asked.seconds)], generator=draw),
            "mel": torch.randn(num_frames, NUM_MEL_BINS, generator=draw),
        }
        for _clip in range(BATCH_SIZE)
    ]

    def step(_line: str) -> dict[str, Any]:
        return {"loss": learner.step([model.collate(clips, draw)]).loss}

    return step


if __name__ == "__main__":
    main()

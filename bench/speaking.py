"""Our half of the comparison: loads once, then speaks what each line of its input asks for, as the peer's half does.

    python -m bench.speaking FOLDER --reference voice.wav --threads 2

Speaking is all that a checkpoint's sample takes once its weights are packed: text, voice, codes, sound, wav files.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import torch

from bench.machine import memory
from bench.models import LANGUAGE, speaker, usual_precision
from escuta.audio.files import write_wav
from escuta.models.base import Generation
from escuta.models.xtts.model import Xtts
from escuta.sampling.speaking import read_reference
from escuta.settings import SamplingSettings


def main() -> None:
    """Answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    model: Xtts | None = None
    codes = 0
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            request = json.loads(line)
            if model is None or request["codes"] != codes:
                model, codes = None, request["codes"]  # the old one goes first
                model = speaker(asked.folder, codes, asked.device)
                model.pack(usual_precision(asked.device))
                reference = read_reference(model, asked.reference)
            started = time.perf_counter()
            spoken = model.speak_all(request["texts"], reference, language=LANGUAGE, generation=Generation(), seed=0)
            for number, one in enumerate(spoken):
                rate = SamplingSettings().sample_rate
                write_wav(Path(folder) / f"{number}.wav", one.wav_T.numpy(), rate, source_rate=one.sample_rate)
            seconds = time.perf_counter() - started
            print(json.dumps({"seconds": seconds, "codes": [one.num_codes for one in spoken], **memory()}), flush=True)


if __name__ == "__main__":
    main()

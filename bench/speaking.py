"""Our half of `bench.sampling`: loads once, then speaks what each line of its input asks for, as the peer's half does.

Shapes: L latents, D width.
"""

import argparse
import json
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import soundfile
import torch

from escuta.engine.linear import computes_bf16
from escuta.models.blank import blank
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.model import load_xtts
from escuta.models.xtts.packed import PackedGpt
from escuta.models.xtts.speak import Sentence, speak
from escuta.models.xtts.weights import load_weights
from escuta.text.tokenizer import Tokenizer


def main() -> None:
    """Load, then answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--precision", choices=["exact", "bf16", "int8"], default="int8")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.set_grad_enabled(False)

    wav_T = torch.from_numpy(soundfile.read(asked.reference, dtype="float32")[0])
    voice = load_xtts(asked.folder, uses=["speaking"], device="cpu").reference(wav_T)
    weights = load_weights(asked.folder, ["gpt", "decoder"])
    with blank():
        gpt, decoder = Gpt(weights.config).eval(), WaveformDecoder(weights.config).eval()
    gpt.load_state_dict(weights.part("gpt"), assign=True)
    decoder.load_state_dict(weights.part("decoder"), assign=True)
    decoder.folded()
    conditioning_LD = gpt.conditioning_of_each(voice["mels"], voice["mel_lengths"]).mean(0)
    started = time.perf_counter()
    packed = PackedGpt(gpt, asked.precision)
    pack_seconds = time.perf_counter() - started
    if asked.precision != "exact" and computes_bf16(torch.device("cpu")):
        decoder = decoder.bfloat16()
    tokenizer = Tokenizer(weights.files.vocab)

    for line in sys.stdin:
        job = json.loads(line)
        times = [time.perf_counter()]
        tick = partial(_note, times)
        sentences = [
            Sentence(torch.tensor(tokenizer.encode(text, "en")), conditioning_LD, voice["speaker"], seed)
            for seed, text in enumerate(job["texts"])
        ]
        said = speak(packed, decoder, sentences, weights.config.choice, job["codes"], tick)
        answer = {
            "seconds": time.perf_counter() - times[0],
            "points": [len(one.wav_T) for one in said],
            "step_seconds": [round(after - before, 5) for before, after in pairwise(times[1:])],
            "kernel": packed.kernel,
            "pack_seconds": pack_seconds,
            **memory(),
        }
        print(json.dumps(answer), flush=True)


def _note(times: list[float]) -> None:
    times.append(time.perf_counter())


def memory() -> dict[str, int]:
    """The most memory this process ever had, files mapped into it included, and what of it is not of files now."""
    status = Path("/proc/self/status").read_text()
    names = {"peak_bytes": "VmHWM:", "private_bytes": "RssAnon:"}
    return {name: 1024 * int(status.partition(field)[2].split()[0]) for name, field in names.items()}


if __name__ == "__main__":
    main()
